# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs that cnnc builds: their sources, builds, facts and times."""
import json
import os
import pathlib
import re
import subprocess
import time

from benchtools import machine

NETWORKS = machine.BENCH / 'networks'
DEFAULT_COMPILER = machine.ROOT / 'build/release/bin/cnnc'
TRAIN_BLOCK = re.compile(r'^train \w+ \{\n(.*?)^\}\n', re.MULTILINE | re.DOTALL)


def source_for(text, train_batch=None):
    """The text of a network for inference alone (without its train block, which takes long to compile), or with another batch."""
    if train_batch is None:
        return TRAIN_BLOCK.sub('', text)
    changed, count = re.subn(r'^(\s+batch\s*=\s*)\d+$', rf'\g<1>{train_batch}', text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError('expected one setting `batch` in the train block')
    return changed


class Program:
    """A built network."""

    def __init__(self, path, build_seconds):
        self.path, self.build_seconds = pathlib.Path(path).resolve(), build_seconds
        self.info = json.loads(self.run('info', '--json'))

    def run(self, *arguments, processors=None, **options):
        return machine.pinned([self.path, *map(str, arguments)], processors or os.sched_getaffinity(0), **options)

    def tensor_names(self):
        """Weights, then running statistics."""
        return [tensor['name'] for tensor in self.info['weights'] + self.info['states']]

    def flops(self, batch, train=False):
        """Of direct work: two a multiply-add; a training step counts three times its forward pass."""
        return 2 * sum(layer['multiply_adds'] for layer in self.info['layers']) * batch * (3 if train else 1)

    def bench(self, batch, threads, train=False, seconds=0.5, weights=None):
        """What `bench --json` prints, measured on `threads` processors."""
        arguments = ['bench', '--batch', batch, '--threads', threads, '--json', '--seconds', seconds]
        arguments += ['--train'] if train else []
        arguments += ['--weights', weights] if weights else []
        return json.loads(self.run(*arguments, processors=machine.choose_processors(threads)))


def build(compiler, text, name, folder, arguments=(), environment=None):
    """Writes the source into the folder and builds it there."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    source, program = folder / f'{name}.cnn', folder / name
    source.write_text(text)
    begin = time.perf_counter()
    done = subprocess.run([compiler, 'build', source, '-o', program, '--quiet', *arguments], capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})
    if done.returncode:
        raise RuntimeError(f'cnnc build {source} ended with {done.returncode}: {done.stderr.strip()[-1000:]}')
    return Program(program, time.perf_counter() - begin)


def compiler_version(compiler):
    return subprocess.run([compiler, 'version'], capture_output=True, text=True, check=True).stdout.splitlines()[0]

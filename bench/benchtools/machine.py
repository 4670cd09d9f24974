# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The machine: its processors, and how fast it is at this moment, as `cnnc machine` measures it."""
import json
import os
import pathlib
import re
import subprocess

BENCH = pathlib.Path(__file__).resolve().parents[1]
ROOT = BENCH.parent


def processor():
    """Name, family and model, as /proc/cpuinfo has them."""
    text = pathlib.Path('/proc/cpuinfo').read_text()
    found = {key.strip(): value.strip() for key, value in re.findall(r'^([^:\n]+):(.*)$', text, re.MULTILINE)}
    vectors = next((name for flag, name in (('avx512f', 'AVX-512'), ('avx2', 'AVX2')) if flag in found.get('flags', '').split()), 'SSE')
    return f"{found.get('model name', 'unknown')}, family {found.get('cpu family', '?')} model {found.get('model', '?')}, {vectors}"


def choose_processors(threads):
    """The last `threads` of the processors that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if threads > len(allowed):
        raise ValueError(f'{threads} threads, but this process may use only {len(allowed)} processors')
    return allowed[-threads:]


def pinned(command, processors, **options):
    """subprocess.run on these processors alone; gives standard output."""
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, processors), **options)
    if done.returncode:
        raise RuntimeError(f'{" ".join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()[-500:]}')
    return done.stdout


def speed(compiler, threads):
    """Peak (GFLOP/s) and bandwidths (GB/s), of one thread and of `threads` threads together."""
    return json.loads(pinned([compiler, 'machine', '--threads', str(threads), '-o', '-'], choose_processors(threads)))

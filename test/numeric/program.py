# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds a network with the compiler under test and runs the program: what it predicts, its loss and its gradients."""
import pathlib
import subprocess
import sys

import numpy as np

import safetensors_file

SINGLE, DOUBLE = 'f32', 'f64'


def run(*command, cwd=None):
    """Runs a command; where it fails, prints it with what it said, and ends the test."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, errors='replace')
    if done.returncode != 0:
        sys.exit(f"$ {' '.join(str(part) for part in command)}\n{done.stdout}{done.stderr}exit status {done.returncode}")
    return done.stdout


class Program:
    """A network's program in a scratch folder, with its weights beside it."""

    def __init__(self, cnnc, folder, name, source, precision, options=()):
        self.folder = pathlib.Path(folder).resolve() / f'{name}.{precision}'
        self.folder.mkdir(parents=True, exist_ok=True)
        self.number = np.float64 if precision == DOUBLE else np.float32
        self.executable = self.folder / 'program'
        (self.folder / 'network.cnn').write_text(source, encoding='utf-8')
        run(pathlib.Path(cnnc).resolve(), 'build', 'network.cnn', '-o', self.executable, '--type', precision, *options, cwd=self.folder)

    def save_weights(self, weights):
        safetensors_file.write(self.folder / 'weights.safetensors',
                               {name: value.astype(self.number) for name, value in weights.items()})

    def call(self, command, *arguments):
        return run(self.executable, command, *arguments, cwd=self.folder)

    def predict(self, images):
        """The raw outputs for a batch of images, with the weights that were saved."""
        np.save(self.folder / 'images.npy', images.astype(self.number))
        self.call('predict', '--weights', 'weights.safetensors', '--output', 'outputs.npy', 'images.npy')
        return np.load(self.folder / 'outputs.npy')

    def gradients(self, images, labels):
        """Loss (under `loss`) and the gradient of every weight, by name."""
        np.save(self.folder / 'images.npy', images.astype(self.number))
        np.save(self.folder / 'labels.npy', labels.astype(self.number) if labels.dtype.kind == 'f' else labels)
        self.call('gradients', '--weights', 'weights.safetensors', '--input', 'images.npy', '--labels', 'labels.npy',
                  '--output', 'gradients.safetensors')
        return safetensors_file.read(self.folder / 'gradients.safetensors')

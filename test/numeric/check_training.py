# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains LeNet for 50 unshuffled steps from given weights, and compares the loss of each step with the stored reference.

usage: check_training.py CNNC FOLDER EXAMPLES
The network is that of examples/lenet.cnn; the settings are those of networks.py, the data is written as IDX files.
"""
import argparse
import csv
import pathlib
import struct
import sys

import networks
import program
import values
from references import REFERENCE

TOLERANCE = 1e-3
SETTINGS = f'''
train lenet {{
    data      = idx("data")
    loss      = cross_entropy
    optimizer = sgd(rate: {networks.RATE}, momentum: {networks.MOMENTUM})
    batch     = {networks.BATCH}
    epochs    = 1
}}
'''


def write_idx(path, array):
    """An array of unsigned bytes in the form of MNIST."""
    with open(path, 'wb') as file:
        file.write(struct.pack(f'>HBB{array.ndim}I', 0, 8, array.ndim, *array.shape) + array.tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('cnnc')
    parser.add_argument('folder')
    parser.add_argument('examples', type=pathlib.Path)
    options = parser.parse_args()

    network, _, _ = (options.examples / 'lenet.cnn').read_text(encoding='utf-8').partition('\ntrain ')
    built = program.Program(options.cnnc, options.folder, 'training', network + SETTINGS, program.SINGLE)
    built.save_weights(values.weights('training', networks.LENET))
    data = built.folder / 'data'
    data.mkdir(exist_ok=True)
    pixels, labels = networks.training_data()
    for part, count in (('train', len(pixels)), ('t10k', networks.BATCH)):
        write_idx(data / f'{part}-images-idx3-ubyte', pixels[:count])
        write_idx(data / f'{part}-labels-idx1-ubyte', labels[:count])
    built.call('train', '--weights', 'weights.safetensors', '--no-shuffle', '--quiet', '--log', 'log.csv')

    with open(built.folder / 'log.csv', newline='', encoding='utf-8') as file:
        computed = [float(row['loss']) for row in csv.DictReader(file)]
    reference = [float(line) for line in (REFERENCE / 'lenet_training.txt').read_text().split()]
    if len(computed) != len(reference):
        print(f'{len(computed)} steps in the log, not {len(reference)}')
        return 1
    errors = [abs(a - b) / b for a, b in zip(computed, reference)]
    worst = max(range(len(errors)), key=errors.__getitem__)
    print(f'largest relative error {errors[worst]:.1e} at step {worst + 1}: '
          f'{computed[worst]:.6f}, reference {reference[worst]:.6f}')
    return 0 if errors[worst] <= TOLERANCE else 1


if __name__ == '__main__':
    sys.exit(main())

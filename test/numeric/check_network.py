# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds a network of examples/ and compares output, loss and the gradients of all weights with the stored references.

usage: check_network.py CNNC FOLDER EXAMPLES [--type f32|f64] [--live] NAME     NAME: lenet, resnet20
"""
import argparse
import pathlib
import sys

import comparison
import networks
import program
import safetensors_file
import values
from references import REFERENCE, jax_models

# Bounds for the relative error of a tensor; in double precision only the order of sums differs.
TOLERANCE = {program.SINGLE: 1e-4, program.DOUBLE: 1e-9}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('cnnc')
    parser.add_argument('folder')
    parser.add_argument('examples', type=pathlib.Path)
    parser.add_argument('--type', choices=TOLERANCE, default=program.SINGLE)
    parser.add_argument('--live', action='store_true')
    parser.add_argument('name', choices=networks.NETWORKS)
    options = parser.parse_args()

    source = (options.examples / f'{options.name}.cnn').read_text(encoding='utf-8')
    built = program.Program(options.cnnc, options.folder, options.name, source, options.type)
    built.save_weights(values.weights(options.name, networks.NETWORKS[options.name][0]))
    images, labels = networks.images(options.name), networks.labels(options.name)
    gradients = built.gradients(images, labels)
    loss = gradients.pop('loss')
    computed = {'output': built.predict(images), 'loss': loss} | {'gradient/' + name: g for name, g in gradients.items()}
    if options.live:
        reference = jax_models().network_results(options.name)
    else:
        reference = safetensors_file.read(REFERENCE / f'{options.name}.safetensors')
    return 0 if comparison.compare(options.name, computed, reference, TOLERANCE[options.type]) else 1


if __name__ == '__main__':
    sys.exit(main())

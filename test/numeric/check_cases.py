# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds the networks of cases.py and compares output, loss and gradients with the stored references.

usage: check_cases.py CNNC FOLDER [--type f32|f64] [--target T] [--live] NAME...     NAME: a case or a family
--live computes the references with JAX at once instead of reading them.
"""
import argparse
import sys

import cases
import comparison
import program
import safetensors_file
from references import REFERENCE, jax_models

# Bounds for the relative error of a tensor; in double precision only the order of sums differs.
TOLERANCE = {program.SINGLE: 1e-4, program.DOUBLE: 1e-10}


def references(case, live):
    """Output, loss and `gradient/NAME` of one case."""
    if live:
        return jax_models().case_results(case)
    prefix = case.name + '/'
    stored = safetensors_file.read(REFERENCE / 'cases.safetensors')
    return {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}


def computed(case, options):
    """The same of the program under test."""
    built = program.Program(options.cnnc, options.folder, case.name, case.source(), options.type, ['--target', options.target])
    built.save_weights(case.initial_weights())
    gradients = built.gradients(case.images(), case.labels())
    loss = gradients.pop('loss')
    return {'output': built.predict(case.images()), 'loss': loss} | {'gradient/' + name: g for name, g in gradients.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('cnnc')
    parser.add_argument('folder')
    parser.add_argument('--type', choices=TOLERANCE, default=program.SINGLE)
    parser.add_argument('--target', default='host')
    parser.add_argument('--live', action='store_true')
    parser.add_argument('names', nargs='+')
    options = parser.parse_args()
    good = [comparison.compare(case.name, computed(case, options),
                               references(case, options.live), TOLERANCE[options.type])
            for case in cases.select(options.names)]
    return 0 if all(good) else 1


if __name__ == '__main__':
    sys.exit(main())

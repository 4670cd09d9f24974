# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Computes the reference numbers that test/numeric compares with, in double precision with JAX, and writes them here.

usage: .venv/bin/python test/reference/make_references.py
Writes cases.safetensors, lenet.safetensors, resnet20.safetensors, lenet_training.txt and versions.txt. Also computes everything
in single precision, and stops where that differs by more than half of what the tests allow: then an input lies so close
to a kink that rounding decides, and needs another name, which is its seed.
"""
import pathlib
import platform
import sys

import jax
import numpy as np

import jax_models
import cases
import comparison
import networks
import safetensors_file

HERE = pathlib.Path(__file__).resolve().parent
TOLERANCE = 1e-4


def checked(name, compute):
    """The results in double precision, after a look at those in single precision."""
    double, single = compute(jax.numpy.float64), compute(jax.numpy.float32)
    for key, value in double.items():
        error = comparison.relative_error(single[key], value)
        if error > TOLERANCE / 2:
            sys.exit(f'{name}: {key} differs by {error:.1e} between single and double precision')
    return {key: np.asarray(value) for key, value in double.items()}


def main():
    stored = {}
    for case in cases.CASES.values():
        results = checked(case.name, lambda number, case=case: jax_models.case_results(case, number))
        if results['output'].shape != (cases.IMAGES, *case.output):
            sys.exit(f"{case.name}: the output is {results['output'].shape}, not {case.output}")
        stored |= {f'{case.name}/{key}': comparison.digest(key, value) for key, value in results.items()}
    safetensors_file.write(HERE / 'cases.safetensors', stored)

    for name in networks.NETWORKS:
        results = checked(name, lambda number, name=name: jax_models.network_results(name, number))
        safetensors_file.write(HERE / f'{name}.safetensors',
                               {key: comparison.digest(key, value) for key, value in results.items()})

    double, single = jax_models.training_losses(), jax_models.training_losses(jax.numpy.float32)
    error = max(abs(a - b) / b for a, b in zip(single, double))
    print(f'training: single and double precision differ by at most {error:.1e}; loss {double[0]:.3f} to {double[-1]:.3f}')
    if error > TOLERANCE:
        sys.exit('the training is too sensitive to rounding')
    (HERE / 'lenet_training.txt').write_text(''.join(f'{loss!r}\n' for loss in double))
    (HERE / 'versions.txt').write_text(
        'Computed by make_references.py in double precision; the seed of each tensor is its name (test/numeric/values.py).\n'
        f'jax {jax.__version__}\nnumpy {np.__version__}\npython {platform.python_version()}\n')


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where the stored reference numbers lie, and the way to the framework that computed them."""
import importlib
import pathlib
import sys

REFERENCE = pathlib.Path(__file__).resolve().parent.parent / 'reference'


def jax_models():
    """The module with the networks in JAX; imported only where references are computed live, as that takes seconds."""
    sys.path.insert(0, str(REFERENCE))
    return importlib.import_module('jax_models')

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares computed tensors with references. The error of a tensor is its largest deviation, relative to the reference's
largest magnitude: single elements near zero carry no digits of their own.

Large tensors are stored as a digest: 256 elements at places that a hash of the name chooses, and 4 sums over all elements
with signs from a hash, each divided by the square root of the number of elements.
"""
import numpy as np

import values

WHOLE, SAMPLES, SUMS = 512, 256, 4


def digest(name, tensor):
    """A tensor of at most 512 elements as it is, a larger one as its digest."""
    flat = np.asarray(tensor, np.float64).reshape(-1)
    if flat.size <= WHOLE:
        return np.asarray(tensor, np.float64)
    sampled = flat[values.integers(name + '/places', (SAMPLES,), flat.size)]
    signs = 1.0 - 2.0 * values.integers(name + '/signs', (SUMS, flat.size), 2)
    return np.concatenate([sampled, signs @ flat / flat.size**0.5])


def relative_error(computed, reference):
    computed, reference = np.asarray(computed, np.float64), np.asarray(reference, np.float64)
    if computed.shape != reference.shape or not np.all(np.isfinite(computed)):
        return np.inf
    largest = np.max(np.abs(reference), initial=0.0)
    deviation = np.max(np.abs(computed - reference), initial=0.0)
    return deviation / largest if largest > 0 else deviation


def compare(title, computed, reference, tolerance):
    """Prints the largest error over all tensors of two dictionaries, and each tensor beyond the tolerance; returns whether
    all are there and within it. Where the reference is a digest, the computed tensor is digested first."""
    good, worst = True, 0.0
    for name in sorted(computed.keys() ^ reference.keys()):
        print(f"{title}: {name} is {'missing' if name in reference else 'not in the reference'}")
        good = False
    for name in sorted(computed.keys() & reference.keys()):
        value = np.asarray(computed[name])
        if value.shape != reference[name].shape and reference[name].shape == (SAMPLES + SUMS,):
            value = digest(name, value)
        error = relative_error(value, reference[name])
        worst = max(worst, error)
        if not error <= tolerance:
            print(f'{title}: {name}: relative error {error:.2e} > {tolerance:.0e} '
                  f'(shape {value.shape}, reference {reference[name].shape})')
            good = False
    print(f"{title}: {'ok' if good else 'WRONG'}, largest relative error {worst:.1e}")
    return good

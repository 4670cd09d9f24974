# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numbers for weights, images and labels that need no file: each is a hash of its tensor's name and its index.

Element i of the tensor NAME is splitmix64(fnv1a64(NAME) + i * 0x9E3779B97F4A7C15), whose upper 24 bits, divided by 2^24, are a
number in [0, 1); it is scaled to [low, high) in double precision and rounded to single, so that programs of both
precisions start from equal numbers.
"""
import numpy as np


def fnv1a64(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def hashes(name, count):
    """`count` integers of 64 bits."""
    with np.errstate(over='ignore'):
        z = np.uint64(fnv1a64(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def uniform(name, shape, low=-1.0, high=1.0):
    """An array of numbers in [low, high), exact in single precision, as double."""
    unit = (hashes(name, int(np.prod(shape, dtype=np.int64))) >> np.uint64(40)).astype(np.float64) / 2.0**24
    return (low + (high - low) * unit).astype(np.float32).astype(np.float64).reshape(shape)


def integers(name, shape, below):
    """An array of whole numbers in 0..below-1."""
    return (hashes(name, int(np.prod(shape, dtype=np.int64))) % np.uint64(below)).astype(np.int64).reshape(shape)


def weights(prefix, shapes):
    """Weights and statistics for a dictionary of names and shapes: uniform with the variance that keeps a signal's size,
    batchnorm's around what it starts with. `prefix` tells different networks apart."""
    result = {}
    for name, shape in shapes.items():
        kind, layer = name.rsplit('.', 1)[-1], name.rsplit('.', 2)[-2]
        if kind == 'running_var' or (layer.startswith('batchnorm') and kind == 'weight'):
            low, high = 0.5, 1.5
        elif len(shape) == 1:
            low, high = -0.2, 0.2
        else:
            bound = (3.0 / np.prod(shape[1:])) ** 0.5
            low, high = -bound, bound
        result[name] = uniform(f'{prefix}/{name}', shape, low, high)
    return result

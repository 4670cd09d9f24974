# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The whole networks of examples/ that are compared with the reference framework: weights, images, labels.

LeNet also trains: 50 steps on a synthetic data set, ten patterns of coarse squares under noise, stored as pixels.
"""
import numpy as np

import values

LENET = {
    'conv1.weight': (6, 1, 5, 5), 'conv1.bias': (6,), 'conv2.weight': (16, 6, 5, 5), 'conv2.bias': (16,),
    'dense1.weight': (120, 400), 'dense1.bias': (120,), 'dense2.weight': (84, 120), 'dense2.bias': (84,),
    'dense3.weight': (10, 84), 'dense3.bias': (10,),
}


def batchnorm(scope, channels):
    return {f'{scope}.{name}': (channels,) for name in ('weight', 'bias', 'running_mean', 'running_var')}


def resnet20():
    """Names and shapes of the weights and statistics of examples/resnet20.cnn."""
    shapes = {'conv1.weight': (16, 3, 3, 3)} | batchnorm('batchnorm1', 16)
    inputs = 16
    for stage, filters in enumerate((16, 32, 64), 1):
        for unit in (1, 2, 3):
            scope = f'stage{stage}.unit{unit}'
            if inputs != filters:
                shapes[f'{scope}.shortcut.conv1.weight'] = (filters, inputs, 1, 1)
                shapes |= batchnorm(f'{scope}.shortcut.batchnorm1', filters)
            shapes[f'{scope}.conv1.weight'] = (filters, inputs, 3, 3)
            shapes[f'{scope}.conv2.weight'] = (filters, filters, 3, 3)
            shapes |= batchnorm(f'{scope}.batchnorm1', filters) | batchnorm(f'{scope}.batchnorm2', filters)
            inputs = filters
    return shapes | {'dense1.weight': (10, 64), 'dense1.bias': (10,)}


# name: weights, shape of the images, classes, seed of the images. With these seeds no value lies so close to a kink of relu or a
# tie of maxpool that single precision decides differently (make_references.py looks).
NETWORKS = {
    'lenet': (LENET, (4, 1, 28, 28), 10, 0),
    'resnet20': (resnet20(), (2, 3, 32, 32), 10, 34),
}


def images(name):
    _, shape, _, seed = NETWORKS[name]
    return values.uniform(f'{name}/images{seed}', shape, 0.0, 1.0)


def labels(name):
    _, shape, classes, seed = NETWORKS[name]
    return values.integers(f'{name}/labels{seed}', (shape[0],), classes)


STEPS, BATCH, RATE, MOMENTUM = 50, 32, 0.02, 0.9


def training_data():
    """Pixels [1600, 28, 28] and labels [1600] for 50 steps of LeNet with batches of 32."""
    count = STEPS * BATCH
    classes = values.integers('training/labels', (count,), 10)
    patterns = values.integers('training/patterns', (10, 7, 7), 160).repeat(4, axis=1).repeat(4, axis=2)
    noise = values.integers('training/noise', (count, 28, 28), 96)
    return (patterns[classes] + noise).astype(np.uint8), classes.astype(np.uint8)

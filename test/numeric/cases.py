# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The small networks that compare single layers with the reference framework, forward and gradient.

Each is a body of the language, with the weights that its names say (docs/language.md, "Names of weights"). A layer without
weights stands behind a convolution, whose gradient passes through it. test/reference/jax_models.py has the same networks
for the framework, under the same names; values come from values.py, so that only results are stored.
"""
from dataclasses import dataclass

import numpy as np

import values

IMAGES = 3


@dataclass
class Case:
    name: str
    family: str
    image: tuple                      # channels, height, width
    body: str
    output: tuple                     # of one image
    weights: dict                     # name: shape
    loss: str = 'mse'
    constants: str = ''               # items before the network
    levels: int = 0                   # images and weights of few exact values, for ties; 0: any values

    def source(self):
        image = ', '.join(str(size) for size in self.image)
        return (f'{self.constants}\nnetwork case(image: [{image}]) {{\n{self.body}\n}}\n\n'
                f'train case {{\n    data = arrays("images.npy", "labels.npy")\n    loss = {self.loss}\n}}\n')

    def images(self):
        shape = (IMAGES, *self.image)
        if self.levels:
            return values.integers(self.name + '/images', shape, self.levels).astype(np.float64) / 4
        return values.uniform(self.name + '/images', shape)

    def labels(self):
        if self.loss.startswith('cross_entropy'):
            return values.integers(self.name + '/labels', (IMAGES, *self.output[1:]), self.output[0])
        return values.uniform(self.name + '/labels', (IMAGES, *self.output))

    def initial_weights(self):
        drawn = values.weights(self.name, self.weights)
        if self.levels:
            drawn = {name: np.ones(value.shape) for name, value in drawn.items()}
        return drawn


def conv_weights(number, outputs, inputs, height, width=None, bias=True):
    """The shapes of one convolution, `conv1.weight` and `conv1.bias`."""
    shapes = {f'conv{number}.weight': (outputs, inputs, height, width or height)}
    if bias:
        shapes[f'conv{number}.bias'] = (outputs,)
    return shapes


def behind_a_conv(name, family, layer, output, image=(2, 7, 6), channels=4, **more):
    """A layer without weights behind a convolution with a kernel of one pixel."""
    return Case(name, family, image, f'    image -> conv({channels}, kernel: 1) -> {layer}', output,
                conv_weights(1, channels, image[0], 1), **more)


def two_convs(name, layer, output, second, image=(2, 7, 6), channels=4):
    """A convolution whose data gradient reaches another one before it."""
    return Case(name, 'conv', image, f'    image -> conv({channels}, kernel: 1) -> {layer}', output,
                conv_weights(1, channels, image[0], 1) | second)


CONV = [
    two_convs('conv_plain', 'conv(3, kernel: 3)', (3, 5, 4), conv_weights(2, 3, 4, 3)),
    two_convs('conv_stride_and_pad', 'conv(3, kernel: 3, stride: 2, pad: 1)', (3, 4, 3), conv_weights(2, 3, 4, 3)),
    two_convs('conv_same_even_kernel', 'conv(3, kernel: 4, pad: same)', (3, 7, 6), conv_weights(2, 3, 4, 4)),
    two_convs('conv_same_stride', 'conv(3, kernel: 3, stride: 2, pad: same)', (3, 4, 3), conv_weights(2, 3, 4, 3)),
    two_convs('conv_four_pads', 'conv(3, kernel: 3, pad: [1, 2, 0, 3])', (3, 6, 9), conv_weights(2, 3, 4, 3)),
    two_convs('conv_dilation', 'conv(3, kernel: 3, dilation: 2, pad: [2, 1])', (3, 7, 4), conv_weights(2, 3, 4, 3)),
    two_convs('conv_groups', 'conv(6, kernel: 3, groups: 2, pad: 1)', (6, 7, 6), conv_weights(2, 6, 2, 3)),
    two_convs('conv_depthwise', 'conv(4, kernel: 3, groups: 4, stride: 2, pad: 1)', (4, 4, 3), conv_weights(2, 4, 1, 3)),
    two_convs('conv_rectangle', 'conv(3, kernel: [3, 5], stride: [2, 1], pad: [0, 2])', (3, 3, 6), conv_weights(2, 3, 4, 3, 5)),
    two_convs('conv_stride_larger_than_kernel', 'conv(3, kernel: 2, stride: 3)', (3, 2, 2), conv_weights(2, 3, 4, 2)),
    two_convs('conv_one_pixel', 'conv(5, kernel: 1, bias: false)', (5, 7, 6), conv_weights(2, 5, 4, 1, bias=False)),
    two_convs('conv_flipped', 'conv(3, kernel: 3, flip: true)', (3, 5, 4), conv_weights(2, 3, 4, 3)),
    two_convs('conv_kernel_as_large_as_image', 'conv(3, kernel: [7, 6])', (3, 1, 1), conv_weights(2, 3, 4, 7, 6)),
    two_convs('conv_many_channels', 'conv(40, kernel: 3, pad: 1)', (40, 5, 5), conv_weights(2, 40, 19, 3), image=(2, 5, 5),
              channels=19),
    behind_a_conv('filter_constant', 'conv', 'filter(sobel, pad: same)', (4, 7, 6),
                  constants='const sobel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]\n'),
]

DENSE = [
    Case('dense_two', 'dense', (2, 3, 4), '    image -> flatten -> dense(7) -> dense(5)', (5,),
         {'dense1.weight': (7, 24), 'dense1.bias': (7,), 'dense2.weight': (5, 7), 'dense2.bias': (5,)}),
    Case('dense_without_bias', 'dense', (2, 3, 4), '    image -> flatten -> dense(70) -> dense(5, bias: false)', (5,),
         {'dense1.weight': (70, 24), 'dense1.bias': (70,), 'dense2.weight': (5, 70)}),
]

POOL = [
    behind_a_conv('maxpool_two', 'pool', 'maxpool(2)', (4, 3, 3)),
    behind_a_conv('maxpool_overlap_and_pad', 'pool', 'maxpool(3, stride: 2, pad: 1)', (4, 4, 3)),
    behind_a_conv('maxpool_rectangle', 'pool', 'maxpool([3, 2], stride: [1, 2])', (4, 5, 3)),
    behind_a_conv('maxpool_ceil', 'pool', 'maxpool(2, ceil: true)', (4, 4, 3)),
    behind_a_conv('maxpool_ceil_drops_window', 'pool', 'maxpool(2, stride: 3, pad: 1, ceil: true)', (4, 3, 3)),
    behind_a_conv('maxpool_first_of_ties', 'pool', 'maxpool(3, stride: 1)', (1, 4, 4), image=(2, 6, 6), channels=1, levels=3),
    behind_a_conv('avgpool_two', 'pool', 'avgpool(2)', (4, 3, 3)),
    behind_a_conv('avgpool_pad_counts', 'pool', 'avgpool(3, stride: 2, pad: 1)', (4, 4, 3)),
    behind_a_conv('avgpool_pad_does_not_count', 'pool', 'avgpool(3, stride: 2, pad: 1, count_pad: false)', (4, 4, 3)),
    behind_a_conv('avgpool_ceil', 'pool', 'avgpool(2, ceil: true)', (4, 4, 3)),
    behind_a_conv('global_avgpool', 'pool', 'global_avgpool', (4, 1, 1)),
]

BATCHNORM = {f'batchnorm1.{name}': (4,) for name in ('weight', 'bias', 'running_mean', 'running_var')}
NORM = [
    Case('batchnorm_after_conv', 'norm', (2, 7, 6), '    image -> conv(4, kernel: 3, bias: false) -> batchnorm', (4, 5, 4),
         conv_weights(1, 4, 2, 3, bias=False) | BATCHNORM),
    Case('batchnorm_before_conv', 'norm', (2, 7, 6), '    image -> conv(4, kernel: 1, bias: false) -> batchnorm -> relu -> conv(3, kernel: 3)',
         (3, 5, 4), conv_weights(1, 4, 2, 1, bias=False) | conv_weights(2, 3, 4, 3) | BATCHNORM),
]

ACTIVATION = [behind_a_conv(name, 'activation', layer, (4, 7, 6)) for name, layer in (
    ('relu', 'relu'), ('relu6', 'relu6'), ('leaky_relu', 'leaky_relu'), ('leaky_relu_slope', 'leaky_relu(0.2)'),
    ('sigmoid', 'sigmoid'), ('tanh', 'tanh'), ('softmax_over_channels', 'softmax'),
    ('dropout_is_off', 'dropout(0.5)'), ('identity', 'identity'))]

ARITHMETIC = [
    Case('residual_add', 'arithmetic', (2, 7, 6),
         '    start = image -> conv(4, kernel: 1)\n    start -> conv(4, kernel: 3, pad: 1) -> relu -> add(start)', (4, 7, 6),
         {f'start.{name}': shape for name, shape in conv_weights(1, 4, 2, 1).items()} | conv_weights(1, 4, 4, 3)),
    Case('concat_two', 'arithmetic', (2, 7, 6),
         '    start = image -> conv(3, kernel: 1)\n    concat(start -> conv(2, kernel: 3, pad: 1), start, start -> sigmoid)',
         (8, 7, 6), {f'start.{name}': shape for name, shape in conv_weights(1, 3, 2, 1).items()} | conv_weights(1, 2, 3, 3)),
    Case('gate_with_broadcasting', 'arithmetic', (2, 7, 6),
         '    start = image -> conv(4, kernel: 1)\n    gate = start -> global_avgpool -> conv(4, kernel: 1) -> sigmoid\n'
         '    start * gate', (4, 7, 6),
         {f'{scope}.{name}': shape for scope, inputs in (('start', 2), ('gate', 4))
          for name, shape in conv_weights(1, 4, inputs, 1).items()}),
    Case('formula', 'arithmetic', (2, 7, 6),
         '    a = image -> conv(3, kernel: 1)\n    b = image -> conv(3, kernel: 3, pad: 1)\n'
         '    exp(0.5 * a) * tanh(b) - sqrt(a * a + 1) / (2 + b ^ 2) + max(a, b) - min(a, 0.1)', (3, 7, 6),
         {f'{scope}.{name}': shape for scope, kernel in (('a', 1), ('b', 3))
          for name, shape in conv_weights(1, 3, 2, kernel).items()}),
]

CLASSES = {'dense1.weight': (6, 42), 'dense1.bias': (6,)}
LOSS = [
    Case('cross_entropy', 'loss', (1, 7, 6), '    image -> flatten -> dense(6)', (6,), CLASSES, loss='cross_entropy'),
    Case('cross_entropy_smoothing', 'loss', (1, 7, 6), '    image -> flatten -> dense(6)', (6,), CLASSES,
         loss='cross_entropy(smoothing: 0.1)'),
    behind_a_conv('cross_entropy_per_pixel', 'loss', 'identity', (4, 7, 6), loss='cross_entropy'),
    Case('mse_vector', 'loss', (1, 7, 6), '    image -> flatten -> dense(6)', (6,), CLASSES),
]

CASES = {case.name: case for case in CONV + DENSE + POOL + NORM + ACTIVATION + ARITHMETIC + LOSS}
FAMILIES = ('conv', 'dense', 'pool', 'norm', 'activation', 'arithmetic', 'loss')


def select(words):
    """The cases that are meant by names of cases or families."""
    chosen = [case for case in CASES.values() if case.name in words or case.family in words]
    known = set(CASES) | set(FAMILIES)
    unknown = [word for word in words if word not in known]
    if unknown:
        raise SystemExit(f"there is no case or family {', '.join(unknown)}")
    return chosen

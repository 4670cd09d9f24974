# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The shapes whose kernels are measured, each as a small network around the layers of interest, which are bound to `y`.

A stem of one cheap convolution stands before them, so that they read what another kernel has made, in the layout that the plan
chooses; in training a head follows that gives them a gradient."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    name: str               # also what --cases matches
    text: str
    batch: int = 1
    train: bool = False
    precise: bool = False   # direct sums instead of Winograd's algorithm


HEAD = 'global_avgpool -> flatten -> dense(classes)'


def network(layers, channels, size, train_batch=None, stem=True):
    """`layers` on a map of these channels and this side; with a batch, to be trained."""
    begin = f'stem = image -> conv({channels}, kernel: 1) -> relu\n    ' if stem else ''
    classes = '' if train_batch is None else ', classes = 10'
    text = (f'network kernels(image: [{3 if stem else channels}, {size}, {size}]{classes}) {{\n'
            f'    {begin}y = {"stem" if stem else "image"} -> {layers}\n')
    if train_batch is None:
        return text + '    y\n}\n'
    return text + f'    y -> {HEAD}\n}}\n\ntrain kernels {{\n    data  = arrays("data")\n    batch = {train_batch}\n}}\n'


def convolution(channels, filters, size, kernel, stride=1, groups=1, normalised=False):
    bias = ', bias: false' if normalised else ''
    layer = f'conv({filters}, kernel: {kernel}, stride: {stride}, pad: {kernel // 2}, groups: {groups}{bias})'
    return layer + (' -> batchnorm -> relu' if normalised else ' -> relu')


def convolution_name(channels, filters, size, kernel, stride=1, groups=1):
    kind = 'depthwise' if groups > 1 and groups == channels else f'groups of {groups}' if groups > 1 else ''
    return f'{kind} {kernel}x{kernel}{f"/{stride}" if stride > 1 else ""} {channels}-{filters} {size}x{size}'.strip()


# channels, filters, size of the map, kernel, stride, groups
PREDICTED = (
    (16, 16, 32, 3), (32, 32, 16, 3), (64, 64, 8, 3), (64, 64, 56, 3), (128, 128, 28, 3), (256, 256, 14, 3), (512, 512, 7, 3),
    (64, 128, 56, 3, 2), (128, 256, 28, 3, 2), (256, 512, 14, 3, 2), (16, 32, 32, 3, 2),
    (64, 64, 56, 1), (64, 256, 56, 1), (256, 64, 56, 1), (512, 128, 28, 1), (256, 1024, 14, 1), (1024, 256, 14, 1),
    (512, 2048, 7, 1), (2048, 512, 7, 1), (256, 512, 56, 1, 2), (1024, 2048, 14, 1, 2),
    (6, 16, 28, 5), (10, 10, 28, 3), (17, 64, 56, 3), (24, 48, 56, 3), (96, 96, 28, 3), (144, 144, 14, 3), (17, 17, 14, 1),
    (32, 32, 14, 5), (64, 64, 28, 5), (32, 32, 28, 7), (24, 144, 56, 1), (144, 24, 56, 1), (96, 24, 112, 1),
    (32, 32, 112, 3, 1, 32), (96, 96, 112, 3, 2, 96), (144, 144, 56, 3, 1, 144), (576, 576, 14, 3, 1, 576), (960, 960, 7, 3, 1, 960),
    (64, 64, 28, 3, 1, 4),
)
FIRST = ((1, 6, 28, 5), (1, 32, 28, 3), (3, 16, 32, 3), (3, 64, 32, 3), (3, 64, 224, 7, 2), (3, 32, 224, 3, 2))
# The same, and images in a step.
TRAINED = (
    ((6, 16, 14, 5), 64), ((10, 10, 28, 3), 32), ((16, 16, 32, 3), 128), ((16, 32, 32, 3, 2), 128), ((32, 32, 16, 3), 128), ((64, 64, 8, 3), 128),
    ((64, 64, 56, 3), 16), ((128, 128, 28, 3), 16), ((256, 256, 14, 3), 16), ((512, 512, 7, 3), 16), ((64, 128, 56, 3, 2), 16),
    ((64, 128, 56, 1, 2), 16), ((64, 256, 28, 1), 16), ((256, 64, 28, 1), 16), ((17, 64, 28, 3), 32), ((24, 48, 28, 3), 32), ((96, 96, 14, 3), 32),
    ((144, 144, 14, 1), 32), ((32, 32, 28, 5), 32), ((64, 64, 28, 3, 1, 64), 32),
)
TRAINED_FIRST = (((1, 6, 28, 5), 64), ((1, 32, 28, 3), 64), ((3, 16, 32, 3), 128), ((3, 64, 112, 7, 2), 16))
# inputs, outputs, images
DENSE = ((400, 120, 1), (400, 120, 32), (9216, 128, 1), (9216, 128, 32), (512, 10, 32), (512, 1000, 1), (2048, 1000, 32), (2048, 1000, 256))
TRAINED_DENSE = ((400, 120, 64), (9216, 128, 64), (512, 1000, 64), (2048, 1000, 128), (1024, 1024, 256))
# name, layers, channels, size, images in a step of training
OTHERS = (
    ('max pool 2x2', 'maxpool(2)', 64, 32, 32), ('max pool 3x3/2', 'maxpool(3, stride: 2, pad: 1)', 64, 56, 16),
    ('average pool 2x2', 'avgpool(2)', 64, 32, 32), ('global average', 'global_avgpool', 512, 7, 64), ('batchnorm', 'batchnorm -> relu', 64, 28, 32),
    ('gelu', 'gelu', 64, 28, 32), ('softmax', 'flatten -> softmax', 1000, 1, 128),
)


def convolutions():
    for shape in PREDICTED:
        text, name = network(convolution(*shape), shape[0], shape[2]), convolution_name(*shape)
        yield Case(f'predict {name}', text)
        if shape[3:] == (3,):
            yield Case(f'predict {name}, direct', text, precise=True)
    for shape in FIRST:
        yield Case(f'predict first {convolution_name(*shape)}', network(convolution(*shape), shape[0], shape[2], stem=False))
    for shapes, stem in ((TRAINED, True), (TRAINED_FIRST, False)):
        for shape, batch in shapes:
            first, text = '' if stem else 'first ', network(convolution(*shape), shape[0], shape[2], batch, stem)
            yield Case(f'train {first}{convolution_name(*shape)}', text, batch, train=True)
            if stem and shape[3:] == (3,):
                yield Case(f'train {convolution_name(*shape)}, direct', text, batch, train=True, precise=True)


def dense_layers():
    for inputs, outputs, batch in DENSE:
        text = (f'network kernels(x: [{inputs}]) {{\n    stem = tanh(x)\n    y = stem -> dense({outputs}) -> relu\n    y\n}}\n')
        yield Case(f'predict dense {inputs}-{outputs} of {batch}', text, batch)
    for inputs, outputs, batch in TRAINED_DENSE:
        text = (f'network kernels(x: [{inputs}], classes = 10) {{\n    stem = x -> dense({inputs}) -> relu\n    y = stem -> dense({outputs}) -> relu\n'
                f'    y -> dense(classes)\n}}\n\ntrain kernels {{\n    data  = arrays("data")\n    batch = {batch}\n}}\n')
        yield Case(f'train dense {inputs}-{outputs} of {batch}', text, batch, train=True)


def others():
    for name, layers, channels, size, batch in OTHERS:
        yield Case(f'predict {name} {channels} {size}x{size}', network(layers, channels, size))
        if 'softmax' not in layers:    # in training it is a part of the loss
            yield Case(f'train {name} {channels} {size}x{size}', network(layers, channels, size, batch), batch, train=True)


def all_cases():
    return [*convolutions(), *dense_layers(), *others()]

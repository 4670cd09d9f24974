# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The networks of bench/networks as PyTorch modules, with the parameters in the order in which the .cnn files write their layers.

make(name) gives the same weights in every process: they come from a fixed seed, and batchnorm's statistics are not the identity,
so that a mistake in folding them would show in the outputs.
"""
import torch
from torch import nn

LABELS = {'lenet': 10, 'mnist_cnn': 10, 'resnet20': 10, 'vgg11': 10}


def conv_norm(inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Sum(nn.Module):
    """activation(body(x) + shortcut(x)); the shortcut's parameters come first, as in the library's blocks."""

    def __init__(self, shortcut, body, activation):
        super().__init__()
        self.shortcut, self.body, self.activation = shortcut, body, activation

    def forward(self, x):
        return self.activation(self.body(x) + self.shortcut(x))


def projection(inputs, outputs, stride):
    return nn.Identity() if stride == 1 and inputs == outputs else conv_norm(inputs, outputs, 1, stride, activation=None)


def residual(inputs, filters, stride):
    body = nn.Sequential(conv_norm(inputs, filters, 3, stride), conv_norm(filters, filters, activation=None))
    return Sum(projection(inputs, filters, stride), body, nn.ReLU()), filters


def bottleneck(inputs, filters, stride):
    outputs = 4 * filters
    body = nn.Sequential(conv_norm(inputs, filters, 1), conv_norm(filters, filters, 3, stride),
                         conv_norm(filters, outputs, 1, activation=None))
    return Sum(projection(inputs, outputs, stride), body, nn.ReLU()), outputs


def inverted_residual(inputs, outputs, expand, stride):
    inside = expand * inputs
    wide = [conv_norm(inputs, inside, 1, activation=nn.ReLU6)] if expand != 1 else []
    body = nn.Sequential(*wide, conv_norm(inside, inside, 3, stride, inside, nn.ReLU6),
                         conv_norm(inside, outputs, 1, activation=None))
    return Sum(nn.Identity(), body, nn.Identity()) if stride == 1 and inputs == outputs else body


def classifier(channels, classes):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


def residual_network(stem, channels, unit, stages, classes):
    layers = [*stem]
    for filters, times, stride in stages:
        for i in range(times):
            made, channels = unit(channels, filters, stride if i == 0 else 1)
            layers.append(made)
    return nn.Sequential(*layers, *classifier(channels, classes))


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def mnist_cnn():
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Linear(128, 10))


def resnet20():
    return residual_network([conv_norm(3, 16)], 16, residual, [(16, 3, 1), (32, 3, 2), (64, 3, 2)], 10)


def vgg11():
    layers, channels = [], 3
    for filters, times in ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2)):
        for _ in range(times):
            layers.append(conv_norm(channels, filters))
            channels = filters
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


def large_stem():
    return [conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]


def resnet18():
    return residual_network(large_stem(), 64, residual, [(64, 2, 1), (128, 2, 2), (256, 2, 2), (512, 2, 2)], 1000)


def resnet50():
    return residual_network(large_stem(), 64, bottleneck, [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)], 1000)


def mobilenet_v2():
    layers, channels = [conv_norm(3, 32, 3, 2, activation=nn.ReLU6)], 32
    for expand, filters, times, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                           (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(times):
            layers.append(inverted_residual(channels, filters, expand, stride if i == 0 else 1))
            channels = filters
    return nn.Sequential(*layers, conv_norm(channels, 1280, 1, activation=nn.ReLU6), *classifier(1280, 1000))


MAKERS = {maker.__name__: maker for maker in (lenet, mnist_cnn, resnet20, vgg11, resnet18, resnet50, mobilenet_v2)}
SHAPES = {'lenet': (1, 28, 28), 'mnist_cnn': (1, 28, 28), 'resnet20': (3, 32, 32), 'vgg11': (3, 32, 32)}


def shape(name):
    """Channels, height and width of an image."""
    return SHAPES.get(name, (3, 224, 224))


def classes(name):
    return LABELS.get(name, 1000)


def make(name):
    """The module in inference mode."""
    torch.manual_seed(1)
    network = MAKERS[name]()
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.8, 1.2)
                layer.bias.normal_(0, 0.1)
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 1.5)
    return network.eval()


def images(name, batch):
    return torch.randn((batch, *shape(name)), generator=torch.Generator().manual_seed(2))


def labels(name, batch):
    return torch.randint(0, classes(name), (batch,), generator=torch.Generator().manual_seed(3))


def stored_tensors(network):
    """All parameters, then all running statistics, as built programs list theirs."""
    return [*network.parameters(), *(b for n, b in network.named_buffers() if not n.endswith('num_batches_tracked'))]

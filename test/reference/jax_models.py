# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The networks of test/numeric in JAX: losses, outputs and gradients in double precision, to compare with.

Parameters are dictionaries with the compiler's names. Pools are written out window by window, so that ties, padding and
partial windows follow the text of docs/language.md and no framework's habits.
"""
import math
import os
import pathlib
import sys

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
import jax
import jax.numpy as jnp
from jax import lax

jax.config.update('jax_enable_x64', True)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'numeric'))
import networks
import values


# ---- layers

def conv(x, p, name, stride=(1, 1), pad=((0, 0), (0, 0)), dilation=(1, 1), groups=1, flip=False):
    kernel = p[name + '.weight']
    if flip:
        kernel = kernel[:, :, ::-1, ::-1]
    if pad == 'same':
        pad = [same(x.shape[2 + i], kernel.shape[2 + i], stride[i], dilation[i]) for i in (0, 1)]
    y = lax.conv_general_dilated(x, kernel, stride, pad, rhs_dilation=dilation, feature_group_count=groups)
    return y + p[name + '.bias'][:, None, None] if name + '.bias' in p else y


def same(size, kernel, stride, dilation=1):
    """Padding before and after, so that ceil(size / stride) results come out; the odd one goes after."""
    total = max((math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def dense(x, p, name):
    y = x @ p[name + '.weight'].T
    return y + p[name + '.bias'] if name + '.bias' in p else y


def flatten(x):
    return x.reshape(x.shape[0], -1)


def windows(size, kernel, stride, pad, ceil):
    """(first, last + 1) of each window along one axis, in the coordinates of the image, possibly outside it."""
    span = size + 2 * pad - kernel
    count = (math.ceil(span / stride) if ceil else span // stride) + 1
    if ceil and (count - 1) * stride >= size + pad:
        count -= 1
    return [(i * stride - pad, i * stride - pad + kernel) for i in range(count)]


def pool(x, of_window, kernel, stride=None, pad=0, ceil=False):
    """`of_window` of the image pixels of each window and its two spans."""
    stride = stride or kernel
    rows = windows(x.shape[2], kernel[0], stride[0], pad, ceil)
    columns = windows(x.shape[3], kernel[1], stride[1], pad, ceil)
    def inside(span, size):
        return slice(max(span[0], 0), min(span[1], size))
    return jnp.stack([jnp.stack([of_window(x[:, :, inside(r, x.shape[2]), inside(c, x.shape[3])], r, c) for c in columns], -1)
                      for r in rows], -2)


def maxpool(x, kernel, stride=None, pad=0, ceil=False):
    def first_maximum(part, _rows, _columns):
        flat = part.reshape(*part.shape[:2], -1)
        return jnp.take_along_axis(flat, jnp.argmax(flat, -1)[..., None], -1)[..., 0]
    return pool(x, first_maximum, kernel, stride, pad, ceil)


def avgpool(x, kernel, stride=None, pad=0, ceil=False, count_pad=True):
    def mean(part, rows, columns):
        count = part.shape[2] * part.shape[3]
        if count_pad:       # the padding counts, what `ceil` adds beyond it does not
            count = (min(rows[1], x.shape[2] + pad) - rows[0]) * (min(columns[1], x.shape[3] + pad) - columns[0])
        return part.sum((2, 3)) / count
    return pool(x, mean, kernel, stride, pad, ceil)


def batchnorm(x, p, name, training):
    mean, variance = (x.mean((0, 2, 3)), x.var((0, 2, 3))) if training else (p[name + '.running_mean'], p[name + '.running_var'])
    scale = p[name + '.weight'] / jnp.sqrt(variance + 1e-5)
    return x * scale[:, None, None] + (p[name + '.bias'] - mean * scale)[:, None, None]


def relu(x):
    return jnp.where(x > 0, x, 0)


def leaky_relu(x, slope=0.01):
    return jnp.where(x > 0, x, slope * x)


def sigmoid(x):
    return 1 / (1 + jnp.exp(-x))


# ---- losses, the mean over the batch

def cross_entropy(output, label, smoothing=0.0):
    logs = jax.nn.log_softmax(output, 1)
    chosen = -jnp.take_along_axis(logs, jnp.expand_dims(label, 1), 1)[:, 0]
    return ((1 - smoothing) * chosen - smoothing * logs.mean(1)).mean()


def mse(output, label):
    return ((output - label) ** 2).mean()


LOSSES = {'mse': mse, 'cross_entropy': cross_entropy,
          'cross_entropy(smoothing: 0.1)': lambda output, label: cross_entropy(output, label, 0.1)}


# ---- the networks of test/numeric/cases.py, by name: (image, parameters, training) -> output

def second(**settings):
    """A convolution of one pixel, and the one under test behind it."""
    return lambda x, p, _: conv(conv(x, p, 'conv1'), p, 'conv2', **settings)


def after(layer):
    """A layer without weights behind a convolution."""
    return lambda x, p, _: layer(conv(x, p, 'conv1'))


def sobel(x):
    kernel = jnp.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], x.dtype)
    channels = x.shape[1]
    return lax.conv_general_dilated(x, jnp.tile(kernel, (channels, 1, 1, 1)), (1, 1), [(1, 1), (1, 1)], feature_group_count=channels)


def residual(x, p, _):
    start = conv(x, p, 'start.conv1')
    return relu(conv(start, p, 'conv1', pad=((1, 1), (1, 1)))) + start


def concatenated(x, p, _):
    start = conv(x, p, 'start.conv1')
    return jnp.concatenate([conv(start, p, 'conv1', pad=((1, 1), (1, 1))), start, sigmoid(start)], 1)


def gate(x, p, _):
    start = conv(x, p, 'start.conv1')
    return start * sigmoid(conv(start.mean((2, 3), keepdims=True), p, 'gate.conv1'))


def formula(x, p, _):
    a, b = conv(x, p, 'a.conv1'), conv(x, p, 'b.conv1', pad=((1, 1), (1, 1)))
    return (jnp.exp(0.5 * a) * jnp.tanh(b) - jnp.sqrt(a * a + 1) / (2 + b ** 2)
            + jnp.where(a > b, a, b) - jnp.where(a < 0.1, a, 0.1))


def logits(x, p, _):
    return dense(flatten(x), p, 'dense1')


ONE = ((1, 1), (1, 1))
CASES = {
    'conv_plain': second(),
    'conv_stride_and_pad': second(stride=(2, 2), pad=ONE),
    'conv_same_even_kernel': second(pad='same'),
    'conv_same_stride': second(stride=(2, 2), pad='same'),
    'conv_four_pads': second(pad=((1, 0), (2, 3))),
    'conv_dilation': second(dilation=(2, 2), pad=((2, 2), (1, 1))),
    'conv_groups': second(groups=2, pad=ONE),
    'conv_depthwise': second(groups=4, stride=(2, 2), pad=ONE),
    'conv_rectangle': second(stride=(2, 1), pad=((0, 0), (2, 2))),
    'conv_stride_larger_than_kernel': second(stride=(3, 3)),
    'conv_one_pixel': second(),
    'conv_flipped': second(flip=True),
    'conv_kernel_as_large_as_image': second(),
    'conv_many_channels': second(pad=ONE),
    'filter_constant': after(sobel),
    'dense_two': lambda x, p, _: dense(dense(flatten(x), p, 'dense1'), p, 'dense2'),
    'dense_without_bias': lambda x, p, _: dense(dense(flatten(x), p, 'dense1'), p, 'dense2'),
    'maxpool_two': after(lambda x: maxpool(x, (2, 2))),
    'maxpool_overlap_and_pad': after(lambda x: maxpool(x, (3, 3), (2, 2), 1)),
    'maxpool_rectangle': after(lambda x: maxpool(x, (3, 2), (1, 2))),
    'maxpool_ceil': after(lambda x: maxpool(x, (2, 2), ceil=True)),
    'maxpool_ceil_drops_window': after(lambda x: maxpool(x, (2, 2), (3, 3), 1, True)),
    'maxpool_first_of_ties': after(lambda x: maxpool(x, (3, 3), (1, 1))),
    'avgpool_two': after(lambda x: avgpool(x, (2, 2))),
    'avgpool_pad_counts': after(lambda x: avgpool(x, (3, 3), (2, 2), 1)),
    'avgpool_pad_does_not_count': after(lambda x: avgpool(x, (3, 3), (2, 2), 1, count_pad=False)),
    'avgpool_ceil': after(lambda x: avgpool(x, (2, 2), ceil=True)),
    'global_avgpool': after(lambda x: x.mean((2, 3), keepdims=True)),
    'batchnorm_after_conv': lambda x, p, training: batchnorm(conv(x, p, 'conv1'), p, 'batchnorm1', training),
    'batchnorm_before_conv': lambda x, p, training: conv(relu(batchnorm(conv(x, p, 'conv1'), p, 'batchnorm1', training)), p, 'conv2'),
    'relu': after(relu),
    'relu6': after(lambda x: jnp.where(x > 6, 6, relu(x))),
    'leaky_relu': after(leaky_relu),
    'leaky_relu_slope': after(lambda x: leaky_relu(x, 0.2)),
    'sigmoid': after(sigmoid),
    'tanh': after(jnp.tanh),
    'softmax_over_channels': after(lambda x: jax.nn.softmax(x, 1)),
    'dropout_is_off': after(lambda x: x),
    'identity': after(lambda x: x),
    'residual_add': residual,
    'concat_two': concatenated,
    'gate_with_broadcasting': gate,
    'formula': formula,
    'cross_entropy': logits,
    'cross_entropy_smoothing': logits,
    'cross_entropy_per_pixel': after(lambda x: x),
    'mse_vector': logits,
}


# ---- the networks of examples/

def lenet(x, p, _=False):
    x = maxpool(relu(conv(x, p, 'conv1', pad='same')), (2, 2))
    x = flatten(maxpool(relu(conv(x, p, 'conv2')), (2, 2)))
    return dense(relu(dense(relu(dense(x, p, 'dense1')), p, 'dense2')), p, 'dense3')


def resnet20(x, p, training):
    x = relu(batchnorm(conv(x, p, 'conv1', pad=ONE), p, 'batchnorm1', training))
    for stage in (1, 2, 3):
        for unit in (1, 2, 3):
            scope = f'stage{stage}.unit{unit}.'
            stride = (2, 2) if stage > 1 and unit == 1 else (1, 1)
            shortcut = x
            if scope + 'shortcut.conv1.weight' in p:
                shortcut = batchnorm(conv(x, p, scope + 'shortcut.conv1', stride), p, scope + 'shortcut.batchnorm1', training)
            x = relu(batchnorm(conv(x, p, scope + 'conv1', stride, ONE), p, scope + 'batchnorm1', training))
            x = relu(batchnorm(conv(x, p, scope + 'conv2', pad=ONE), p, scope + 'batchnorm2', training) + shortcut)
    return dense(x.mean((2, 3)), p, 'dense1')


# ---- what is compared

def is_statistic(name):
    return name.endswith(('.running_mean', '.running_var'))


def results(forward, loss, images, labels, weights, number=jnp.float64):
    """`output` in inference; loss and, under `gradient/NAME`, the gradients in training mode."""
    p = {name: jnp.asarray(value, number) for name, value in weights.items()}
    x = jnp.asarray(images, number)
    y = jnp.asarray(labels, number) if labels.dtype.kind == 'f' else jnp.asarray(labels)
    learned = {name: value for name, value in p.items() if not is_statistic(name)}
    def objective(w):
        return loss(forward(x, p | w, True), y)
    value, gradients = jax.jit(jax.value_and_grad(objective))(learned)
    output = jax.jit(lambda p, x: forward(x, p, False))(p, x)
    return {'output': output, 'loss': value} | {'gradient/' + name: g for name, g in gradients.items()}


def case_results(case, number=jnp.float64):
    return results(CASES[case.name], LOSSES[case.loss], case.images(), case.labels(), case.initial_weights(), number)


def network_results(name, number=jnp.float64):
    forward = {'lenet': lenet, 'resnet20': resnet20}[name]
    weights = values.weights(name, networks.NETWORKS[name][0])
    return results(forward, cross_entropy, networks.images(name), networks.labels(name), weights, number)


def training_losses(number=jnp.float64):
    """The loss of each of LeNet's training steps, before the step's update."""
    pixels, labels = networks.training_data()
    p = {name: jnp.asarray(value, number) for name, value in values.weights('training', networks.LENET).items()}
    velocity = jax.tree.map(jnp.zeros_like, p)

    @jax.jit
    def step(p, velocity, x, y):
        loss, gradient = jax.value_and_grad(lambda w: cross_entropy(lenet(x, w), y))(p)
        velocity = jax.tree.map(lambda v, g: networks.MOMENTUM * v + g, velocity, gradient)
        return loss, jax.tree.map(lambda w, v: w - networks.RATE * v, p, velocity), velocity

    losses = []
    for first in range(0, networks.STEPS * networks.BATCH, networks.BATCH):
        x = jnp.asarray(pixels[first:first + networks.BATCH, None], number) / 255
        loss, p, velocity = step(p, velocity, x, jnp.asarray(labels[first:first + networks.BATCH].astype('int32')))
        losses.append(float(loss))
    return losses

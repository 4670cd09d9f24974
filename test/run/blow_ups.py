# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks that blow up, each in another way: blow_ups.py CNNC DIGITS.

Training must end with status 1 and name step, op, tensor and line, and the checkpoint that was there must stay as it was.
"""
import os
import re
import subprocess
import sys

import numpy

cnnc, digits = sys.argv[1:]
COMES_FROM = r'the first value that is not finite came out of '


def network(body, *settings):
    lines = ['network n(image: [1, 8, 8]) {', *body, '}', 'train n {', '    data = idx("digits")', *settings, '}']
    return '\n'.join(lines) + '\n'


#  what happens, the network's lines (from line 2 on), settings, options of train, the message
CASES = [
    ('logarithm of 0', ['image -> conv(4, kernel: 3) -> relu', '-> log', '-> flatten -> dense(10)'], [], [],
     r'at step 1 .*the loss is not finite.*' + COMES_FROM + r'`conv1\+log` \(.*\) at n.cnn:2:14, n.cnn:3:8'),
    ('logarithm of a pixel', ['image', '-> log', '-> flatten -> dense(10)'], [], [], r'at step 1 .*' + COMES_FROM + r'`log` \(elementwise\) at n.cnn:3:8'),
    ('root of a negative number, behind a padded maximum', ['image -> maxpool(3, stride: 1, pad: 1)', '-> conv(4, kernel: 3) -> sqrt', '-> flatten -> dense(10)'], [], [],
     r'at step 1 .*' + COMES_FROM + r'`conv1\+sqrt` \(.*\) at n.cnn:3:8'),
    ('division by 0', ['x = image -> conv(4, kernel: 3)', 'y = x / (image -> avgpool(3, stride: 1))', 'y -> flatten -> dense(10)'], [], [],
     r'at step 1 .*' + COMES_FROM + r'`division` \(elementwise\) at n.cnn:3:9'),
    ('negative power of 0', ['(image ^ (0 - 2)) -> flatten -> dense(10)'], [], [], r'at step 1 .*' + COMES_FROM + r'`power` \(elementwise\) at n.cnn:2:5'),
    ('overflow of exp', ['x = image -> conv(4, kernel: 3) -> batchnorm', 'exp(x * 100)', '-> flatten -> dense(10)'], [], [],
     r'at step 1 .*' + COMES_FROM + r'`exp` \(elementwise\) at n.cnn:3:5'),
    ('overflow of a sum of products', ['image -> conv(4, kernel: 3, init: 1e20)', '-> conv(4, kernel: 3, init: 1e20)', '-> flatten -> dense(10)'], [], [],
     r'at step 1 .*' + COMES_FROM + r'`conv2` \(.*\) at n.cnn:3:8'),
    ('a rate of 1e6', ['image -> flatten -> dense(1)'], ['loss = mse'], ['--rate', '1e6'],
     r'at step \d+ .*' + COMES_FROM + r'`(mse` .* at n.cnn:6:12|dense1` .* at n.cnn:2:25)'),
    ('a rate that overflows in the next step', ['image -> conv(4, kernel: 3) -> relu', '-> flatten -> dense(10)'], [], ['--rate', '1e38'],
     r'at step 2 .*' + COMES_FROM + r'`(conv1|dense1)` \(.*\) at n.cnn:(2:14|3:19)'),
    ('decay that overflows in the update', ['image -> flatten', '-> dense(10)'], ['optimizer = sgd(rate: 0.1, decay: 1e30)'], [],
     r'at step 2 .*the update by `sgd` made the weights `dense1.weight` not finite, of the layer at n.cnn:3:8'),
    ('weights that relu hides', ['image -> conv(4, kernel: 3, init: -1e38)', '-> relu -> flatten -> dense(10)'], ['optimizer = sgd(rate: 0.1, decay: 10000)'], [],
     r'at step 1 .*the update by `sgd` made the weights `conv1.weight` not finite, of the layer at n.cnn:2:14'),
    ('statistics that batchnorm hides', ['(image * 1e30) -> conv(4, kernel: 3)', '-> batchnorm -> flatten -> dense(10)'], [], [],
     r'at step 1 .*the running statistics `batchnorm1.running_var` are not finite; ' + COMES_FROM + r'`batchnorm1` \(.*\) at n.cnn:3:8'),
    ('moments that the update divides by', ['(image * 1e25) -> flatten', '-> dense(10)'], ['optimizer = adam(rate: 0.001)'], [],
     r'at step 1 .*the update by `adam` made the `second` that the optimizer keeps for `dense1.weight` not finite, of the layer at n.cnn:3:8'),
    ('an initialiser', ['image -> flatten -> dense(10, init: 1e39)'], [], [], r'error: the initialisers: the weights `dense1.weight` are not finite'),
    ('infinity in a weights file', ['image -> flatten -> dense(10)'], [], ['--weights', 'infinite.safetensors'],
     r'error: `infinite.safetensors`: the weights `dense1.weight` are not finite'),
    ('NaN in an image', ['image -> flatten -> dense(10)'], [], ['--data', 'nan'], r'error: `nan/images.npy`: element 37 of sample 3 .* is not a finite number'),
]


def write_inputs():
    header = b'{"dense1.weight":{"dtype":"F32","shape":[10,64],"data_offsets":[0,2560]},"dense1.bias":{"dtype":"F32","shape":[10],"data_offsets":[2560,2600]}}'
    header += b' ' * (-len(header) % 8)
    numbers = numpy.zeros(650, numpy.float32)
    numbers[77] = numpy.inf
    with open('infinite.safetensors', 'wb') as file:
        file.write(len(header).to_bytes(8, 'little') + header + numbers.tobytes())
    images = numpy.zeros((8, 1, 8, 8), numpy.float32)
    images[3, 0, 4, 5] = numpy.nan
    os.makedirs('nan', exist_ok=True)
    numpy.save('nan/images.npy', images)
    numpy.save('nan/labels.npy', numpy.arange(8))


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr


def build(title, text, *options):
    with open('n.cnn', 'w', encoding='utf-8') as file:
        file.write(text)
    status, error = run([cnnc, 'build', 'n.cnn', '-o', 'n', '--quiet', *options])
    if status != 0:
        sys.exit(f'blow_ups.py: {title}: does not build\n{error}')


def expect(title, arguments, message):
    """The run fails with the message, and no checkpoint is touched."""
    before = {name: open(name, 'rb').read() for name in os.listdir('.') if 'checkpoint' in name}
    status, error = run(['./n', 'train', '--quiet', *arguments])
    after = {name: open(name, 'rb').read() for name in os.listdir('.') if 'checkpoint' in name}
    if status != 1 or not re.search(message, error):
        sys.exit(f'blow_ups.py: {title}: status {status}\n{error}expected: {message}')
    if before != after:
        sys.exit(f'blow_ups.py: {title}: checkpoints before {sorted(before)}, after {sorted(after)}, or other bytes')


write_inputs()
with open('n.checkpoint', 'wb') as file:
    file.write(b'a checkpoint of an earlier run')
for title, body, settings, options, message in CASES:
    data = [] if '--data' in options else ['--data', digits]
    text = network(['    ' + line for line in body], *('    ' + setting for setting in settings))
    if '--data' in options:
        text = text.replace('idx("digits")', 'arrays("images.npy", "labels.npy")')
    build(title, text)
    expect(title, [*data, *options], message)

# Good epochs first: what they saved serves.
title = 'a rate that explodes after some epochs'
os.remove('n.checkpoint')
build(title, network(['    image -> flatten -> dense(10)'], '    schedule = step(every: 2 epochs, factor: 1e40)'), '--type', 'f64')
status, error = run(['./n', 'train', '--data', digits, '--quiet', '--epochs', '100'])
if status != 1 or not re.search(r'at step \d+ \(epoch \d+\): the (loss|gradient|update).* at n.cnn:(2:25|6:12)', error):
    sys.exit(f'blow_ups.py: {title}: status {status}\n{error}')
status, error = run(['./n', 'eval', '--weights', 'n.checkpoint', '--data', digits])
if status != 0:
    sys.exit(f'blow_ups.py: {title}: the checkpoint does not serve\n{error}')
print(f'{len(CASES) + 1} networks blew up, and said where')

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes folders of IDX files and arrays that are wrong in one way each: make_bad_data.py DIGITS OUTPUT."""
import pathlib
import shutil
import sys

import numpy

digits, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
IMAGES, LABELS = 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte'


def folder(name):
    """A copy of the digits."""
    shutil.copytree(digits, output / name, ignore=shutil.ignore_patterns('*.md'))
    return output / name


(output / 'empty').mkdir()
truncated = folder('truncated') / IMAGES
truncated.write_bytes(truncated.read_bytes()[:-100])
counts = folder('counts')
shutil.copy(digits / 't10k-labels-idx1-ubyte', counts / LABELS)
labels = folder('labels') / LABELS
content = bytearray(labels.read_bytes())
content[8 + 5] = 10
labels.write_bytes(content)
size = folder('size') / IMAGES
content = bytearray(size.read_bytes())
content[8:16] = (4).to_bytes(4, 'big') + (16).to_bytes(4, 'big')
size.write_bytes(content)

cifar = output / 'cifar'
cifar.mkdir()
record = bytes([3]) + bytes(3 * 32 * 32)
(cifar / 'data_batch_1.bin').write_bytes(record * 4)
(cifar / 'test_batch.bin').write_bytes(record)

# Three labels out of range, no label 7 left in the test part, two test images that are training images.
many = folder('many')
content = bytearray((many / LABELS).read_bytes())
content[8 + 5], content[8 + 70], content[8 + 1000] = 10, 255, 11
(many / LABELS).write_bytes(content)
test_labels = many / 't10k-labels-idx1-ubyte'
content = test_labels.read_bytes()
test_labels.write_bytes(content[:8] + content[8:].replace(b'\7', b'\1'))
images, test_images = many / IMAGES, many / 't10k-images-idx3-ubyte'
content = bytearray(test_images.read_bytes())
training = images.read_bytes()
for test, train in ((3, 17), (200, 1400)):
    content[16 + 64 * test:16 + 64 * (test + 1)] = training[16 + 64 * train:16 + 64 * (train + 1)]
test_images.write_bytes(content)

x = numpy.linspace(0, 1, 12 * 64, dtype='f4').reshape(12, 1, 8, 8)
y = numpy.arange(12, dtype='i8') % 10
numpy.save(output / 'x.npy', x)
numpy.save(output / 'y.npy', y)
numpy.save(output / 'short.npy', y[:11])
numpy.save(output / 'float.npy', y.astype('f4'))
y[2] = -1
numpy.save(output / 'negative.npy', y)
x[3, 0, 1, 1] = numpy.nan
numpy.save(output / 'nan.npy', x)

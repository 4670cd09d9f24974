# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes a picture and arrays of test digits: make_pictures.py DIGITS OUTPUT."""
import pathlib
import sys

import numpy
from PIL import Image

digits, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
images = numpy.frombuffer((digits / 't10k-images-idx3-ubyte').read_bytes()[16:], 'u1').reshape(-1, 8, 8)
Image.fromarray(images[0]).save(output / 'digit.png')
Image.fromarray(images[0]).resize((10, 20)).save(output / 'large.png')
(output / 'broken.png').write_bytes((output / 'digit.png').read_bytes()[:60])
numpy.save(output / 'pixels.npy', images[0])
numpy.save(output / 'floats.npy', (images[0] / 255).astype('f4').reshape(1, 8, 8))
numpy.save(output / 'batch.npy', images[:7].reshape(7, 1, 8, 8))

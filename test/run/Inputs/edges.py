# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A test picture (a bright disc on a slope), and the edges that examples/edges.cnn must find in it, computed by numpy."""
import sys

import numpy
from PIL import Image


def make(picture, array):
    row, column = numpy.mgrid[0:48, 0:64]
    gray = (40 + column + 120 * ((row - 24) ** 2 + (column - 30) ** 2 < 200)).astype(numpy.uint8)
    Image.fromarray(gray).save(picture)
    numpy.save(array, (gray.astype(numpy.float32) / 255)[None, None])


def correlate_same(image, kernel):
    """Cross-correlation with zeros around."""
    padded = numpy.pad(image, 1)
    return sum(kernel[u][v] * padded[u:u + image.shape[0], v:v + image.shape[1]] for u in range(3) for v in range(3))


def compare(array, result, picture):
    image = numpy.load(array)[0, 0].astype(numpy.float64)
    sobel = numpy.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)
    smooth = correlate_same(image, numpy.full((3, 3), 1 / 9))
    length = numpy.hypot(correlate_same(smooth, sobel), correlate_same(smooth, sobel.T))
    expected = numpy.maximum(length - 0.2, 0)
    found = numpy.load(result)[0, 0]
    assert numpy.abs(found - expected).max() < 1e-5, numpy.abs(found - expected).max()
    pixels = numpy.asarray(Image.open(picture)).astype(float)
    assert numpy.abs(pixels - 255 * numpy.clip(expected, 0, 1)).max() <= 0.51


if __name__ == '__main__':
    {'make': make, 'compare': compare}[sys.argv[1]](*sys.argv[2:])

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the first test images of an IDX data set (the form of MNIST, .gz or not) as PNG files.

usage: extract_images.py FOLDER OUTPUT [--count N] [--names NAME,NAME…]

The files are called INDEX_LABEL.png, with the label's name where names are given (a blank becomes `_`).
"""
import argparse
import gzip
import pathlib
import struct
import sys

import numpy as np
from PIL import Image


def read_idx(folder, stem):
    """The array of unsigned bytes in FOLDER/STEM or FOLDER/STEM.gz."""
    for name, opener in ((stem, open), (stem + '.gz', gzip.open)):
        if (folder / name).exists():
            with opener(folder / name, 'rb') as file:
                content = file.read()
            break
    else:
        sys.exit(f'extract_images.py: there is neither {stem} nor {stem}.gz in {folder}')
    zero, kind, rank = struct.unpack_from('>HBB', content)
    if zero != 0 or kind != 8:
        sys.exit(f'extract_images.py: {folder / name} is not an IDX file of unsigned bytes')
    shape = struct.unpack_from(f'>{rank}I', content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('output', type=pathlib.Path)
    parser.add_argument('--count', type=int, default=8)
    parser.add_argument('--names', type=lambda text: text.replace(' ', '_').split(','), metavar='NAME,NAME…')
    options = parser.parse_args()
    images = read_idx(options.folder, 't10k-images-idx3-ubyte')
    labels = read_idx(options.folder, 't10k-labels-idx1-ubyte')
    options.output.mkdir(parents=True, exist_ok=True)
    count = min(options.count, len(images))
    for index in range(count):
        label = options.names[labels[index]] if options.names else labels[index]
        Image.fromarray(images[index]).save(options.output / f'{index}_{label}.png')
    print(f'wrote {count} images into {options.output}')


if __name__ == '__main__':
    main()

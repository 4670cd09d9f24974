# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the first test images of an IDX data set (the form of MNIST, .gz or not) as PNG files.

usage: extract_images.py FOLDER OUTPUT [--count N]

The files are called `test_INDEX_label_LABEL.png`; PNG files of an earlier run are removed from OUTPUT first.
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
    options = parser.parse_args()
    images = read_idx(options.folder, 't10k-images-idx3-ubyte')
    labels = read_idx(options.folder, 't10k-labels-idx1-ubyte')
    options.output.mkdir(parents=True, exist_ok=True)
    for old in options.output.glob('test_*_label_*.png'):
        old.unlink()
    count = min(options.count, len(images))
    for index in range(count):
        Image.fromarray(images[index]).save(options.output / f'test_{index:05}_label_{labels[index]}.png')
    print(f'wrote {count} images into {options.output}')


if __name__ == '__main__':
    main()

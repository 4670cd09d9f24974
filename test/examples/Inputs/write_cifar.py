# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a small data set in the binary form of CIFAR-10: records of a label and 32x32 pixels, red, green, blue.

usage: write_cifar.py FOLDER TRAINING_IMAGES TEST_IMAGES
Each class is a colour with noise, so that a network can learn it. The training images go into five batches.
"""
import pathlib
import sys

import numpy as np


def records(generator, colours, count):
    labels = np.arange(count, dtype=np.uint8) % 10
    noise = generator.integers(-40, 41, (count, 3, 32, 32))
    pixels = np.clip(colours[labels][:, :, None, None] + noise, 0, 255).astype(np.uint8)
    return np.concatenate([labels[:, None], pixels.reshape(count, -1)], 1)


def main():
    folder, training, test = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 256, (10, 3))
    for number, part in enumerate(np.array_split(records(generator, colours, training), 5), 1):
        (folder / f'data_batch_{number}.bin').write_bytes(part.tobytes())
    (folder / 'test_batch.bin').write_bytes(records(generator, colours, test).tobytes())


if __name__ == '__main__':
    main()

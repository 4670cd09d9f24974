#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the IDX files of examples/digits from scikit-learn's copy of the UCI optical digits.

Input: digits.csv.gz, which lies in scikit-learn's package as sklearn/datasets/data/digits.csv.gz: a line an image, 64 values
0..16 row by row, then the label. Output: four IDX files, uncompressed, so that equal input gives equal bytes everywhere.
Usage: make_digits.py DIGITS.csv.gz [FOLDER]
"""
import gzip
import pathlib
import struct
import sys

IMAGES = 1797
TRAINING_IMAGES = 1437
SIDE = 8
LARGEST_VALUE = 16
UNSIGNED_BYTES = 0x08


def write_idx(path, sizes, values):
    header = bytes([0, 0, UNSIGNED_BYTES, len(sizes)]) + b"".join(struct.pack(">I", size) for size in sizes)
    path.write_bytes(header + bytes(values))


def to_pixel(value):
    """0..16 to 0..255, rounded to the nearest."""
    if not 0 <= value <= LARGEST_VALUE:
        raise SystemExit(f"value {value} is outside 0..{LARGEST_VALUE}")
    return (value * 255 + LARGEST_VALUE // 2) // LARGEST_VALUE


def main():
    if len(sys.argv) not in (2, 3):
        raise SystemExit("usage: make_digits.py DIGITS.csv.gz [FOLDER]")
    default_folder = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits"
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else default_folder
    with gzip.open(sys.argv[1], "rt") as source:
        rows = [[int(float(value)) for value in line.split(",")] for line in source if line.strip()]
    if len(rows) != IMAGES or any(len(row) != SIDE * SIDE + 1 for row in rows):
        raise SystemExit(f"expected {IMAGES} lines of {SIDE * SIDE + 1} values")
    for name, part in (("train", rows[:TRAINING_IMAGES]), ("t10k", rows[TRAINING_IMAGES:])):
        pixels = [to_pixel(value) for row in part for value in row[:-1]]
        write_idx(folder / f"{name}-images-idx3-ubyte", [len(part), SIDE, SIDE], pixels)
        write_idx(folder / f"{name}-labels-idx1-ubyte", [len(part)], [row[-1] for row in part])


if __name__ == "__main__":
    main()

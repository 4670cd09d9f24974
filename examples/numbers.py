#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes small .npy files from typed numbers, and shows .npy and .safetensors files as text; needs nothing but Python.

usage: numbers.py write FILE.npy SHAPE NUMBERS    SHAPE: 1x5x5 (channels, rows, columns); NUMBERS: "0 1; 2 3", `;` is for the eye
       numbers.py show FILE...                    every number, a row in a line, rounded to four decimals
       numbers.py shapes FILE.safetensors         name, shape and count of each tensor, and the sum of the counts
"""
import array
import ast
import json
import math
import pathlib
import struct
import sys

NPY = b'\x93NUMPY\x01\x00'
TYPES = {'<f4': 'f', '<f8': 'd', 'F32': 'f', 'F64': 'd'}


def write(path, shape, text):
    numbers = [float(word) for word in text.replace(';', ' ').split()]
    if math.prod(shape) != len(numbers):
        sys.exit(f"{path}: {'x'.join(map(str, shape))} needs {math.prod(shape)} numbers, not {len(numbers)}")
    header = str({'descr': '<f4', 'fortran_order': False, 'shape': tuple(shape)}).encode()
    header += b' ' * (-(len(NPY) + 3 + len(header)) % 64) + b'\n'
    pathlib.Path(path).write_bytes(NPY + struct.pack('<H', len(header)) + header + array.array('f', numbers).tobytes())


def read(path):
    """Yields (name, shape, numbers) of each array in the file; a .npy file has one without a name."""
    content = pathlib.Path(path).read_bytes()
    if content.startswith(NPY):
        begin = len(NPY) + 2 + struct.unpack_from('<H', content, len(NPY))[0]
        header = ast.literal_eval(content[len(NPY) + 2:begin].decode())
        yield '', header['shape'], array.array(TYPES[header['descr']], content[begin:])
        return
    begin = 8 + struct.unpack_from('<Q', content)[0]
    for name, entry in json.loads(content[8:begin]).items():
        if name != '__metadata__':
            first, last = (begin + offset for offset in entry['data_offsets'])
            yield name, entry['shape'], array.array(TYPES[entry['dtype']], content[first:last])


def show(path):
    for name, shape, numbers in read(path):
        texts = [f'{round(number, 4) + 0.0:g}' for number in numbers]  # + 0.0 turns -0 into 0
        width = max(map(len, texts), default=0)
        row = shape[-1] if shape else 1
        if name:
            print(f'{name}:')
        for start in range(0, len(texts), row):
            print(' '.join(text.rjust(width) for text in texts[start:start + row]))


def shapes(path):
    total = 0
    for name, shape, numbers in read(path):
        print(name, 'x'.join(map(str, shape)), len(numbers))
        total += len(numbers)
    print('together', total)


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 4 and arguments[0] == 'write':
        write(arguments[1], [int(size) for size in arguments[2].split('x')], arguments[3])
    elif len(arguments) > 1 and arguments[0] in ('show', 'shapes'):
        for path in arguments[1:]:
            {'show': show, 'shapes': shapes}[arguments[0]](path)
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()

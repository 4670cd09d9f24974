# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads .safetensors files for the tests of this folder, apart from the runtime's own reader."""
import json
import pathlib

import numpy

TYPES = {'F64': '<f8', 'F32': '<f4', 'F16': '<f2', 'I64': '<i8'}


def read(path):
    """Name → array."""
    content = pathlib.Path(path).read_bytes()
    length = int.from_bytes(content[:8], 'little')
    header, data = json.loads(content[8:8 + length]), content[8 + length:]
    header.pop('__metadata__', None)
    return {name: numpy.frombuffer(data[slice(*entry['data_offsets'])], TYPES[entry['dtype']]).reshape(entry['shape'])
            for name, entry in header.items()}

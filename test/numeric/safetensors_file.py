# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads and writes .safetensors files with NumPy alone: a header length (8 bytes), a JSON header, the tensors' bytes."""
import json
import struct

import numpy as np

TYPES = {'F64': np.float64, 'F32': np.float32, 'I64': np.int64, 'I32': np.int32, 'U8': np.uint8}


def read(path):
    """A dictionary of arrays by name."""
    with open(path, 'rb') as file:
        content = file.read()
    length = struct.unpack_from('<Q', content)[0]
    header = json.loads(content[8:8 + length])
    header.pop('__metadata__', None)
    arrays = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry['data_offsets'])
        arrays[name] = np.frombuffer(content[begin:end], TYPES[entry['dtype']]).reshape(entry['shape'])
    return arrays


def write(path, arrays):
    """Writes arrays by name, larger types first: so each lies at a multiple of its size, as the library and our reader want it."""
    header, offset, parts = {}, 0, []
    for name in sorted(arrays, key=lambda key: (-np.asarray(arrays[key]).itemsize, key)):
        array = np.asarray(arrays[name])
        data = np.ascontiguousarray(array).tobytes()
        kind = next(key for key, value in TYPES.items() if value == array.dtype)
        header[name] = {'dtype': kind, 'shape': list(array.shape), 'data_offsets': [offset, offset + len(data)]}
        offset += len(data)
        parts.append(data)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + b''.join(parts))

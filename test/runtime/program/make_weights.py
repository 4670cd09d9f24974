# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes weights files from a good one, right and wrong ones: make_weights.py GOOD OUTPUT."""
import json
import pathlib
import sys

import numpy

from safetensors_file import TYPES, read


def write(path, tensors):
    header, data = {}, b''
    for name, (kind, values) in tensors.items():
        piece = numpy.ascontiguousarray(values, TYPES[kind]).tobytes()
        header[name] = {'dtype': kind, 'shape': list(values.shape), 'data_offsets': [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    pathlib.Path(path).write_bytes(len(text).to_bytes(8, 'little') + text + data)


good, output = read(sys.argv[1]), pathlib.Path(sys.argv[2])
counter = {'norm.num_batches_tracked': ('I64', numpy.array(5))}
write(output / 'half', counter | {name: ('F16', values) for name, values in good.items()})
write(output / 'double', {name: ('F64', values) for name, values in good.items()})
write(output / 'bad', {
    'dense1.weight': ('F32', good['dense1.weight'].T),
    'dense2.bias': ('F32', numpy.zeros(3)),
    'mean.running_mean': ('F32', good['mean.running_mean']),
})
content = pathlib.Path(sys.argv[1]).read_bytes()
(output / 'lying').write_bytes((1 << 40).to_bytes(8, 'little') + content[8:])

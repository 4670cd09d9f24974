# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the files of corpus/safetensors and corpus/checkpoint that are made by hand: a checkpoint of the network of
checkpoint.cpp, and files that must be refused. Run it after a change: `python test/fuzz/make_corpus.py`.
"""
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / 'corpus'
POSITION = {'format': 'cnnc checkpoint 1', 'network': 'tiny', 'producer': 'cnnc', 'step': '12', 'epoch': '1', 'batch': '3', 'seed': '0',
            'training samples': '100', 'epoch.samples': '96', 'epoch.loss': '1.5', 'epoch.accuracy': '0.5', 'setting.batch': '32'}
TENSORS = {'dense1.weight': [2, 3], 'dense1.bias': [2], 'norm1.running_mean': [2],
           'optimizer.velocity.dense1.weight': [2, 3], 'optimizer.velocity.dense1.bias': [2]}


def entry(shape, begin, end, dtype='F32'):
    return {'dtype': dtype, 'shape': shape, 'data_offsets': [begin, end]}


def content(header, data_bytes, declared=None):
    text = (header if isinstance(header, str) else json.dumps(header, separators=(',', ':'))).encode()
    return struct.pack('<Q', len(text) if declared is None else declared) + text + bytes(range(1, data_bytes + 1))


def checkpoint(tensors, metadata):
    """Tensors one after the other; their numbers do not matter."""
    header, offset = {'__metadata__': metadata}, 0
    for name, shape in tensors.items():
        end = offset + 4 * (shape[0] * shape[1] if len(shape) == 2 else shape[0])
        header[name] = entry(shape, offset, end)
        offset = end
    return content(header, offset)


def without(entries, key):
    return {name: value for name, value in entries.items() if name != key}


def main():
    twice = json.dumps(entry([2], 0, 8))
    files = {
        'safetensors': {
            'refused_hole': content({'a': entry([2], 0, 8), 'b': entry([1], 12, 16)}, 16),
            'refused_overlap': content({'a': entry([2], 0, 8), 'b': entry([2], 4, 12)}, 12),
            'refused_duplicate_key': content(f'{{"a":{twice},"a":{twice}}}', 8),
            'refused_shape_overflow': content({'a': entry([2 ** 32, 2 ** 32], 0, 0)}, 0),
            'refused_shape_overflow_beside_zero': content({'a': entry([2 ** 63, 2 ** 63, 0], 0, 0)}, 0),
            'refused_header_beyond_the_file': content({'a': entry([2], 0, 8)}, 8, declared=90_000_000),
            'refused_header_of_2_63': content({'a': entry([2], 0, 8)}, 8, declared=2 ** 63),
            'refused_trailing_bytes': content({'a': entry([2], 0, 8)}, 9),
            'refused_deep_nesting': content('{"a":' + '[' * 5000, 0),
            'every_type': content({name: entry([1], 8 * i, 8 * i + size, name) if size == 8 else entry([8 // size], 8 * i, 8 * i + 8, name)
                                   for i, (name, size) in enumerate({'F64': 8, 'F32': 4, 'F16': 2, 'BF16': 2, 'I64': 8, 'I32': 4, 'I16': 2,
                                                                     'I8': 1, 'U64': 8, 'U32': 4, 'U16': 2, 'U8': 1}.items())}, 96),
        },
        'checkpoint': {
            'whole': checkpoint(TENSORS, POSITION),
            'refused_moment_missing': checkpoint(without(TENSORS, 'optimizer.velocity.dense1.bias'), POSITION),
            'refused_weight_missing': checkpoint(without(TENSORS, 'dense1.bias'), POSITION),
            'refused_more_weights': checkpoint(TENSORS | {'dense2.bias': [2]}, POSITION),
            'refused_other_shape': checkpoint(TENSORS | {'dense1.weight': [3, 2]}, POSITION),
            'refused_other_network': checkpoint(TENSORS, POSITION | {'network': 'other'}),
            'refused_other_batch': checkpoint(TENSORS, POSITION | {'setting.batch': '64'}),
            'refused_negative_step': checkpoint(TENSORS, POSITION | {'step': '-1'}),
            'refused_step_beyond_64_bits': checkpoint(TENSORS, POSITION | {'step': '9223372036854775808'}),
            'refused_no_epoch': checkpoint(TENSORS, without(POSITION, 'epoch')),
            'refused_weights_alone': checkpoint(TENSORS, {}),
        },
    }
    for folder, contents in files.items():
        (CORPUS / folder).mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            (CORPUS / folder / name).write_bytes(data)


if __name__ == '__main__':
    main()

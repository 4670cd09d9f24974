# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Hundreds of damaged data files, each given to a built program: damage_data.py PICTURES DIGITS OUTPUT.

PICTURES is a program whose input is [3, 32, 32], DIGITS one whose input is [1, 8, 8]; both predict 10 classes and carry their weights.
The damages are the same in every run: truncations, flipped bits, headers that lie. Each must end with status 1 and one error that
names the file, a place (a byte, a sample, a size) and a reason, or, where a reader cannot know (a pixel in a file without
checksums), with status 0. Nothing may crash, hang, or print what is no diagnostic."""
import gzip
import io
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import zlib

import numpy
from PIL import Image

pictures, digits, output = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
chance = random.Random(20240607)
TIME_LIMIT = 20
MEMORY_LIMIT = 1 << 30
counts, complaints = {}, []


def limit_memory():
    import resource
    if 'ASAN_OPTIONS' not in os.environ:  # a sanitizer reserves terabytes of addresses
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], cwd=output, capture_output=True, timeout=TIME_LIMIT, preexec_fn=limit_memory)


def complain(message, done, what):
    complaints.append(f'{what}: {message}\nstatus {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}')


def judge(kind, done, file, must_fail):
    """One damaged file: the right status, and an error that names file, place and reason."""
    counts.setdefault(kind, [0, 0])[done.returncode == 1] += 1
    text = done.stderr.decode()
    if done.returncode not in (0, 1) or (must_fail and done.returncode != 1):
        complain('should have been refused', done, file)
    if done.returncode != 1:
        return
    errors = [line for line in text.splitlines() if re.match(r'\S+: error: ', line)]
    if len(errors) != 1 or not all(re.match(r'\S+: (error|warning): |  help: ', line) for line in text.splitlines()):
        complain('prints something that is no diagnostic', done, file)
        return
    named, reason = errors[0].split(file.name, 1) if file.name in errors[0] else ('', '')
    if not named or not re.search(r'[0-9]|is empty|first bytes|must begin|no samples|holds', reason):
        complain('does not name file and place', done, file)


def truncations(content, number):
    """`number` lengths from nothing to one byte short, the ends among them."""
    lengths = {0, 1, 2, 3, len(content) - 1, len(content) - 2}
    while len(lengths) < number:
        lengths.add(chance.randrange(len(content)))
    return [(f'cut{length}', content[:length]) for length in sorted(lengths)]


def flips(content, number, first=0, end=None):
    out = {}
    while len(out) < number:
        place, bit = chance.randrange(first, end or len(content)), chance.randrange(8)
        out[f'flip{place}.{bit}'] = content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1:]
    return list(out.items())


def png_chunk(name, content):
    return struct.pack('>I', len(content)) + name + content + struct.pack('>I', zlib.crc32(name + content))


def png(width, height, depth=8, colour=2, data=None, tail=True):
    """A PNG whose checksums are right, whatever its header claims."""
    rows = zlib.compress(b'\0' * (32 * 97) if data is None else data)
    end = png_chunk(b'IEND', b'') if tail else b''
    return b'\x89PNG\r\n\x1a\n' + png_chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)) + png_chunk(b'IDAT', rows) + end


def encoded(image, **options):
    stream = io.BytesIO()
    image.save(stream, **options)
    return stream.getvalue()


def picture_files():
    pixels = numpy.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype='u1')
    photo = Image.fromarray(numpy.kron(pixels[::8, ::8], numpy.ones((8, 8, 1), 'u1')))
    plain, interlaced = encoded(photo, format='PNG'), png(32, 32)
    for name, content in truncations(plain, 60) + flips(plain, 60) + truncations(interlaced, 20):
        yield f'{name}.{len(content)}.png', content, True
    lies = {'none': png(0, 32), 'wide': png(2**31 - 1, 1), 'huge': png(65000, 65000), 'more_rows': png(32, 40), 'side': png(2**32 - 1, 2**32 - 1), 'depth': png(32, 32, 3),
            'colour': png(32, 32, 8, 5), 'no_end': png(32, 32, tail=False), 'no_palette': png(32, 32, 8, 3), 'short_rows': png(32, 32, data=b'\0' * 97 * 31),
            'filter': png(32, 32, data=b'\x09' * 97 * 32), 'empty': png(32, 32, data=b'')}
    for name, content in lies.items():
        yield f'lie_{name}.png', content, True
    for name, options in {'baseline': {}, 'progressive': {'progressive': True}}.items():
        content = encoded(photo, format='JPEG', quality=90, **options)
        for damage, bytes_now in truncations(content, 45):
            yield f'{name}_{damage}.jpg', bytes_now, True
        for damage, bytes_now in flips(content, 60):
            yield f'{name}_{damage}.jpg', bytes_now, False
        start = content.index(b'\xff\xc0' if not options else b'\xff\xc2')
        for size in ((0, 32), (32, 0), (65535, 65535), (65535, 1)):
            lying = content[:start + 5] + struct.pack('>HH', *size) + content[start + 9:]
            yield f'{name}_lie_{size[0]}x{size[1]}.jpg', lying, True
    for name, content in {'text.png': b'hello', 'gif.jpg': b'GIF89a' + bytes(40), 'zeros.png': bytes(100)}.items():
        yield name, content, True


def array_files():
    stream = io.BytesIO()
    numpy.save(stream, numpy.zeros((2, 3, 32, 32), 'f4'))
    whole = stream.getvalue()
    for name, content in truncations(whole, 20):
        yield f'{name}.npy', content, True
    for name, content in flips(whole, 30, 0, 128):
        yield f'{name}.npy', content, False

    def lying(header):
        text = header.encode().ljust(117) + b'\n'
        return b'\x93NUMPY\1\0' + struct.pack('<H', len(text)) + text + bytes(2 * 3 * 32 * 32 * 4)
    lies = ["{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 2)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3, 32, 32)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3, 32, 32)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3, 32, 32)}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", "{}", "__import__('os')", '']
    for i, header in enumerate(lies):
        yield f'lie{i}.npy', lying(header), True
    for name, value in {'nan': numpy.nan, 'infinite': numpy.inf}.items():
        array = numpy.zeros((2, 3, 32, 32), 'f4')
        array[1, 2, 3, 4] = value
        stream = io.BytesIO()
        numpy.save(stream, array)
        yield f'{name}.npy', stream.getvalue(), True


def damage_pictures_and_arrays():
    """A process each, then one process that is told to leave bad files out."""
    refused = []
    for kind, files in (('picture', picture_files()), ('array', array_files())):
        for name, content, must_fail in files:
            file = output / name
            file.write_bytes(content)
            done = run(pictures, 'predict', file)
            judge(kind, done, file, must_fail)
            if done.returncode == 1:
                refused.append(name)
    good = output / 'good.npy'
    numpy.save(good, numpy.zeros((3, 32, 32), 'f4'))
    done = run(pictures, 'predict', '--set', 'bad=skip(1000)', *refused, 'good.npy')
    warned = [line for line in done.stderr.decode().splitlines() if 'warning: ' in line]
    missing = [name for name in refused if not any(name in line for line in warned)]
    if done.returncode != 0 or len(warned) != len(refused) or missing or done.stdout.count(b'\n') != 1:
        complain(f'not all are left out: {missing}', done, 'bad = skip')
    done = run(pictures, 'predict', '--set', f'bad=skip({len(refused) - 1})', *refused, 'good.npy')
    if done.returncode != 1:
        complain('goes on beyond its limit', done, 'bad = skip')


IDX = ('train-images-idx3-ubyte', 'train-labels-idx1-ubyte', 't10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte')


def write_folder(folder, files):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def damage_idx():
    images = struct.pack('>IIII', 0x803, 20, 8, 8) + bytes(range(256)) * 5
    labels = struct.pack('>II', 0x801, 20) + bytes(i % 10 for i in range(20))
    sound = dict(zip(IDX, (images, labels, images, labels)))
    damages = []
    for name, content in ((IDX[0], images), (IDX[1], labels)):
        header = 16 if name == IDX[0] else 8
        damages += [(name, bad, True) for _, bad in truncations(content, 10)]
        damages += [(name, bad, True) for _, bad in flips(content, 16, 0, header)]
        damages += [(name, content + b'\0', True), (name, b'', True), (name, b'\0\0\x0d' + content[3:], True)]
        packed = gzip.compress(content, mtime=0)
        damages += [(name + '.gz', bad, True) for _, bad in truncations(packed, 12)]
        # Bytes 4 to 9 of gzip (time, level, system) say nothing about the content.
        damages += [(name + '.gz', bad, True) for _, bad in flips(packed, 16, 10)]
        damages += [(name + '.gz', packed + b'more', True), (name + '.gz', gzip.compress(bytes(10**8), mtime=0), True)]
    damages += [(IDX[1], labels[:-1] + bytes([10]), True), (IDX[1] + '.gz', gzip.compress(labels[:-1] + b'\xff', mtime=0), True)]
    folder = output / 'idx'
    for name, content, must_fail in damages:
        files = {key: value for key, value in sound.items() if key != name.removesuffix('.gz')}
        write_folder(folder, {**files, name: content})
        judge('idx', run(digits, 'check-data', '--data', 'idx("idx")'), folder / name, must_fail)


def damage_cifar():
    records = b''.join(bytes([i % 10]) + bytes([i]) * 3072 for i in range(8))
    folder = output / 'cifar'
    for i in range(60):
        name = chance.choice(['data_batch_1.bin', 'data_batch_2.bin', 'test_batch.bin'])
        if i < 30:
            content = records[:chance.choice([0, 1, 3072, 3074, len(records) - 1, chance.randrange(1, len(records) // 3073) * 3073 + chance.randrange(1, 3073)])]
        else:
            record = chance.randrange(8)
            content = bytearray(records)
            content[record * 3073] = chance.randrange(10, 256)
        files = dict.fromkeys(['data_batch_1.bin', 'data_batch_2.bin', 'test_batch.bin'], records)
        write_folder(folder, {**files, name: bytes(content)})
        done = run(pictures, 'check-data', '--data', 'cifar("cifar")')
        judge('cifar', done, folder / name, True)
        place = f'sample {record} (byte {record * 3073})' if i >= 30 else 'expected a multiple of 3073'
        if place not in done.stderr.decode():
            complain(f'does not say `{place}`', done, name)


output.mkdir(parents=True, exist_ok=True)
damage_pictures_and_arrays()
damage_idx()
damage_cifar()
for complaint in complaints[:20]:
    print(complaint)
for kind, (accepted, refused_count) in counts.items():
    print(f'{kind}: {refused_count} refused, {accepted} read')
sys.exit(1 if complaints else 0)

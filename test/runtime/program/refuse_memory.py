# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Refuses each of the first 200 allocations of a command: refuse_memory.py LIBRARY PROGRAM DATA.

Refused once, a command either says so and ends with 1, or ends with what it gives undisturbed, byte for byte. Refused from there
on for good, it says so. The first allocation belongs to the C++ library: what it throws exceptions with when memory is gone.
"""
import os
import re
import subprocess
import sys
import tempfile

import numpy

FIRST = 200
TOLD = re.compile(r': error: .*(not enough memory|more than there is memory for|needs .* of memory, but)')

library, program, data = sys.argv[1:]
folder = tempfile.mkdtemp(dir='.')
COMMANDS = {
    'train': ['train', '--data', data, '--epochs', '1', '--quiet', '--save', 'out', '--checkpoint', 'c', '--log', 'log'],
    'predict': ['predict', '--weights', 'w.safetensors', 'x.npy', '--output', 'out.npy'],
    'eval': ['eval', '--weights', 'w.safetensors', '--data', data],
}


def run(command, **environment):
    for name in ('out', 'out.npy', 'c', 'log'):
        if os.path.exists(f'{folder}/{name}'):
            os.remove(f'{folder}/{name}')
    done = subprocess.run([program, *COMMANDS[command], '--threads', '4'], cwd=folder, capture_output=True, timeout=60,
                          env=dict(os.environ, LD_PRELOAD=library, **environment))
    files = [open(f'{folder}/{name}', 'rb').read() if os.path.exists(f'{folder}/{name}') else None for name in ('out', 'out.npy', 'log')]
    return done.returncode, done.stderr.decode(), (done.stdout, *files)


def stop(command, number, problem, error):
    sys.exit(f'refuse_memory.py: {command}, allocation {number}: {problem}\n{error}')


subprocess.run([program, 'train', '--data', data, '--epochs', '0', '--quiet', '--save', 'w.safetensors'], cwd=folder, check=True)
numpy.save(f'{folder}/x.npy', numpy.random.default_rng(1).random((3, 1, 8, 8), dtype=numpy.float32))
for command in COMMANDS:
    count_file = os.path.abspath(f'{folder}/count')
    status, error, expected = run(command, COUNT_ALLOCATIONS=count_file)
    if status != 0:
        stop(command, 'none', f'status {status}', error)
    with open(count_file, encoding='utf-8') as file:
        numbers = range(1, min(FIRST, int(file.read())) + 1)
    told = 0
    for number in numbers:
        status, error, got = run(command, FAIL_ALLOCATION=str(number))
        if status == 0 and got != expected:
            stop(command, number, 'another result', error)
        if status != 0 and (status != 1 or not TOLD.search(error)):
            stop(command, number, f'status {status}', error)
        told += status
        if number > 1:
            status, error, _ = run(command, FAIL_ALLOCATION=f'{number}+')
            if status != 1 or not TOLD.search(error):
                stop(command, f'{number} and all after it', f'status {status}', error)
    print(f'{command}: {len(numbers)} allocations, {told} told')

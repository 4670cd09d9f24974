# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains under limits of the address space: limit_memory.py PROGRAM DATA.

Under each limit the run succeeds or says what it needs, what is there, and the largest batch that fits; that batch then trains
under the same limit. Below 8 MB the system's loader itself may fail.
"""
import re
import resource
import subprocess
import sys

MEGABYTE = 1 << 20
LIMITS = [8 + 4 * i for i in range(24)]
BATCH = 1400
MESSAGE = re.compile(r'error: a batch of (\d+) needs [\d.]+ [MG]B of memory, but [\d.]+ [MG]B are there\n'
                     r'  help: (?:the largest batch that fits is (\d+): `--batch \2`|not even a batch of 1 fits)\n')
TOO_LITTLE_FOR_DATA = 'error: there is not enough memory for the data'

program, data = sys.argv[1:]


def train(limit, batch, *options):
    set_limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (limit * MEGABYTE, limit * MEGABYTE))
    return subprocess.run([program, 'train', '--data', data, '--epochs', '1', '--quiet', '--batch', str(batch), *options],
                          preexec_fn=set_limit, capture_output=True, text=True, timeout=60)


refused = succeeded = advised = 0
for limit in LIMITS:
    run = train(limit, BATCH)
    if run.returncode == 0:
        succeeded += 1
        continue
    if TOO_LITTLE_FOR_DATA in run.stderr and run.returncode == 1:
        continue
    match = MESSAGE.search(run.stderr)
    if run.returncode != 1 or not match or int(match[1]) != BATCH:
        sys.exit(f'limit_memory.py: {limit} MB: status {run.returncode}\n{run.stderr}')
    refused += 1
    if match[2]:
        smaller = train(limit, match[2])
        if smaller.returncode != 0:
            sys.exit(f'limit_memory.py: {limit} MB: the batch of {match[2]} does not train\n{smaller.stderr}')
        advised += 1
# Threads need memory too: asked for many, the run takes those that it gets.
many = train(120, 32, '--threads', '200')
if many.returncode != 0 or 'note: the system gives ' not in many.stderr:
    sys.exit(f'limit_memory.py: 200 threads: status {many.returncode}\n{many.stderr}')
print(f'refused {refused}, advised {advised}, succeeded {succeeded}')

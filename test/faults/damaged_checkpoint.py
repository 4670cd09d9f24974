# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Damages a checkpoint at every byte, and resumes from it: damaged_checkpoint.py PROGRAM DATA [--every N] [--all-bits].

A bit is flipped, the byte is missing, or the file ends there. Each time the damage must be named, the checkpoint before it used,
and the run end with the same weights and checkpoint as from the undamaged one.
"""
import argparse
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys

BITS = 8


def damages(content, index, all_bits):
    """What may happen at a byte: (name, content)."""
    for bit in range(BITS) if all_bits else [index % BITS]:
        yield f'bit {bit} flipped', content[:index] + bytes([content[index] ^ 1 << bit]) + content[index + 1:]
    yield 'byte missing', content[:index] + content[index + 1:]
    yield 'file ends', content[:index]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program', type=os.path.abspath)
    parser.add_argument('data', type=os.path.abspath)
    parser.add_argument('--every', type=int, default=1, metavar='N', help='one byte in N')
    parser.add_argument('--all-bits', action='store_true', help='flips each bit of a byte, one after the other')
    options = parser.parse_args()

    def train(epochs, *more):
        command = [options.program, 'train', '--data', options.data, '--quiet', '--threads', '1', '--epochs', str(epochs), '--checkpoint', 'run', '--save', 'weights']
        return subprocess.run([*command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors='replace', timeout=60)

    if train(2).returncode != 0:
        sys.exit('the undisturbed run failed')
    for name in ('run', 'run.previous', 'weights'):
        shutil.copy(name, 'whole.' + name)
    content = pathlib.Path('whole.run').read_bytes()
    tried = 0
    for index in range(0, len(content), options.every):
        for name, damaged in damages(content, index, options.all_bits):
            pathlib.Path('run').write_bytes(damaged)
            shutil.copy('whole.run.previous', 'run.previous')
            pathlib.Path('weights').unlink()
            run = train(2, '--resume')
            said = 'warning: run: ' in run.stderr and 'going on with the checkpoint before it, `run.previous`' in run.stderr
            same = run.returncode == 0 and all(filecmp.cmp(kept, 'whole.' + kept, shallow=False) for kept in ('run', 'run.previous', 'weights'))
            if not said or not same:
                sys.exit(f'byte {index} of {len(content)}, {name}: status {run.returncode}, {"named" if said else "not named"}, {"same" if same else "other"} bytes\n{run.stderr}')
            tried += 1
    print(f'{tried} damaged checkpoints of {len(content)} bytes: each named, the one before used, the same bytes at the end')


if __name__ == '__main__':
    main()

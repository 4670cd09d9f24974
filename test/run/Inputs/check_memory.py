# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the memory that the compiler plans with what the program takes: check_memory.py CNNC RECORDER FILE.cnn BATCH…

For each batch: `cnnc summary`, `cnnc build --emit=kernels`, `info` of the program, and the mappings that `predict` and `train`
ask the system for (RECORDER is test/runtime/program/record_mappings.c) say the same, with 1 and with 2 threads.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy

cnnc, recorder, source = sys.argv[1:4]
MAPPINGS = pathlib.Path('mappings')
# What the table of `cnnc summary` calls the entries of `info --json`.
ROWS = ['weights and statistics', 'prepared weights', 'gradients and optimizer', 'inputs and outputs', 'workspace', 'alignment', 'total']


def run(*command, **environment):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment).stdout


def planned(file, batch):
    """{task: {row: bytes}} of the table that `cnnc summary` prints."""
    lines = run(cnnc, 'summary', file, '--batch', str(batch)).split('memory in bytes')[1].splitlines()
    tasks = re.findall(r'(\w+), batch (\d+)', lines[0])
    assert tasks == [('inference', str(batch)), ('training', str(batch))], tasks
    table = {}
    for line in lines[1:]:
        name, *numbers = re.split(r'  +', line)
        for (task, _), number in zip(tasks, numbers, strict=True):
            table.setdefault(task, {})[name] = int(number.replace(',', ''))
    return table


def kernel_plan(file, batch):
    """Bytes of prepared weights, and of workspace for the batch by function, as `--emit=kernels` prints them."""
    text = run(cnnc, 'build', file, '--batch', str(batch), '--emit=kernels')
    prepared = int(re.search(r'(\d+) bytes prepared', text)[1])
    workspace = {}
    for name, fixed, each, group in re.findall(r'function @(\S+): .* workspace (\d+) bytes \+ (\d+) bytes a group of (\d+)', text):
        workspace[name.split('.')[-1]] = int(fixed) + int(each) * -(-batch // int(group))
    return prepared, workspace


def taken(*command):
    """The largest mapping that the program asked for."""
    MAPPINGS.unlink(missing_ok=True)
    run(*command, LD_PRELOAD=recorder, RECORD_MAPPINGS=str(MAPPINGS))
    return max(int(line) for line in MAPPINGS.read_text().split())


def check(batch):
    file, program = f'batch_{batch}.cnn', f'./program_{batch}'
    text, count = re.subn(r'batch( *)= \d+', rf'batch\1= {batch}', pathlib.Path(source).read_text(encoding='utf-8'))
    assert count == 1
    pathlib.Path(file).write_text(text, encoding='utf-8')
    run(cnnc, 'build', file, '--batch', str(batch), '-o', program)

    plan = planned(file, batch)
    information = json.loads(run(program, 'info', '--json', '--batch', str(batch)))
    for need in information['memory']:
        assert need['batch'] == batch
        found = {row: need[row.replace(' ', '_')] for row in ROWS}
        assert found == plan[need['task']], (need['task'], found, plan)
        assert all(found[row] > 0 for row in ROWS if row != 'gradients and optimizer'), found
        assert sum(found[row] for row in ROWS[:-1]) == found['total']
    assert [need['task'] for need in information['memory']] == ['inference', 'training']

    prepared, workspace = kernel_plan(file, batch)
    for task, functions in {'inference': {'infer', 'prepare'}, 'training': {'gradients', 'evaluate', 'prepare'}}.items():
        assert plan[task]['prepared weights'] == prepared
        assert plan[task]['workspace'] == max(workspace[name] for name in functions & workspace.keys()), (plan, workspace)

    shape = information['inputs'][0]['shape']
    generator = numpy.random.default_rng(0)
    numpy.save('x.npy', generator.integers(0, 256, [batch, *shape], dtype=numpy.uint8))
    numpy.save('y.npy', numpy.arange(batch) % 10)
    run(program, 'train', '--epochs', '0', '--save', 'w.safetensors', '--quiet')
    for threads in ('1', '2'):
        found = taken(program, 'predict', 'x.npy', '--weights', 'w.safetensors', '--threads', threads)
        assert found == plan['inference']['total'], (threads, found, plan)
        found = taken(program, 'train', '--data', 'arrays("x.npy", "y.npy")', '--epochs', '1', '--quiet', '--threads', threads)
        assert found == plan['training']['total'], (threads, found, plan)


for number in sys.argv[4:]:
    check(int(number))

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Asserts the form of a file that `cnnc machine -o FILE` has written, and that no figure is absurd."""
import json
import sys

with open(sys.argv[1], encoding='utf-8') as file:
    machine = json.load(file)
assert list(machine) == ['processor', 'target', 'cores', 'gigahertz', 'peak_gflops', 'levels'], machine
assert machine['cores'] >= 1 and 0.1 < machine['gigahertz'] < 20
assert 0.1 < machine['peak_gflops']['one_core'] < 10_000
levels = machine['levels']
assert list(levels) == ['L1', 'L2', 'L3', 'memory'] and 'bytes' not in levels['memory']
assert 4 << 10 <= levels['L1']['bytes'] <= levels['L2']['bytes'] <= levels['L3']['bytes']
for level in levels.values():
    for way in ('read_gbs', 'copy_gbs'):
        assert all(0.01 < level[way][cores] < 100_000 for cores in ('one_core', 'all_cores')), level

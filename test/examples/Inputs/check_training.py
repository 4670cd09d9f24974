# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Looks at what a short training wrote: as many steps as expected, a loss that fell, and weights that all moved and are finite.

usage: check_training.py TEST_NUMERIC LOG.csv STEPS BEFORE.safetensors AFTER.safetensors
"""
import csv
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import safetensors_file


def main():
    log, steps, before, after = sys.argv[2:]
    with open(log, newline='', encoding='utf-8') as file:
        losses = [float(row['loss']) for row in csv.DictReader(file)]
    print('losses:', *losses)
    assert len(losses) == int(steps), f'{len(losses)} steps'
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4]), 'the loss does not fall'
    first, last = safetensors_file.read(before), safetensors_file.read(after)
    assert first.keys() == last.keys(), first.keys() ^ last.keys()
    for name in first:
        assert np.all(np.isfinite(last[name])), f'{name} is not finite'
        assert not np.array_equal(first[name], last[name]), f'{name} did not move'


if __name__ == '__main__':
    main()

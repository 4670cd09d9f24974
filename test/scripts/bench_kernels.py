# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bench/kernels: its cases, its goals, and one short measurement.

usage: bench_kernels.py BENCH CNNC SCRATCH
"""
import json
import pathlib
import subprocess
import sys
import unittest

BENCH, CNNC, SCRATCH = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
sys.path[:0] = [str(BENCH / 'kernels'), str(BENCH)]

from cases import all_cases
from goals import COMPUTE_BOUND, FORWARD, MEMORY_BOUND, WINOGRAD, judge


def kernel(op='conv.direct', time_us=100.0, bound_us=90.0, bound='compute', forward=True):
    return {'op': op, 'time_us': time_us, 'bound_us': bound_us, 'bound': bound, 'forward': forward}


class Cases(unittest.TestCase):
    def test_names_are_unique_and_every_case_is_a_network(self):
        cases = all_cases()
        self.assertEqual(len({case.name for case in cases}), len(cases))
        for text in {case.text for case in cases}:
            path = SCRATCH / 'case.cnn'
            path.write_text(text)
            done = subprocess.run([CNNC, 'summary', path], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ''), text)


class Goals(unittest.TestCase):
    def goal(self, case, **changes):
        return judge(case, kernel(**changes)).goal

    def test_a_share_is_that_of_the_bound(self):
        verdict = judge('predict 3x3 64-64 56x56', kernel(time_us=200.0, bound_us=150.0))
        self.assertEqual((verdict.share, verdict.is_short), (0.75, True))
        self.assertFalse(judge('predict 3x3 64-64 56x56', kernel(bound_us=93.0)).is_short)

    def test_most_is_asked_of_many_channels_forward(self):
        self.assertEqual(self.goal('predict 3x3 64-64 56x56'), FORWARD)
        self.assertEqual(self.goal('predict 1x1 256-64 56x56'), FORWARD)
        self.assertEqual(self.goal('train 3x3 64-64 56x56', forward=False), COMPUTE_BOUND)
        for other in ('predict 3x3 64-64 7x7', 'predict 3x3 17-64 56x56', 'predict first 3x3 3-64 32x32', 'predict 5x5 64-64 28x28', 'train dense 400-120 of 64'):
            self.assertEqual(self.goal(other), COMPUTE_BOUND, other)

    def test_winograd_is_asked_for_more_than_the_peak(self):
        self.assertEqual(self.goal('predict 3x3 128-128 28x28', op='conv.winograd'), WINOGRAD)
        self.assertIsNone(self.goal('predict 3x3 16-16 32x32', op='conv.winograd'))
        self.assertIsNone(self.goal('train 3x3 64-64 56x56', op='conv.lanes_winograd', forward=False))

    def test_memory_bounds_and_short_kernels(self):
        self.assertEqual(self.goal('train batchnorm 64 28x28', op='reduce.lanes', bound='L3'), MEMORY_BOUND)
        self.assertIsNone(self.goal('train batchnorm 64 28x28', op='reduce.lanes', bound='L3', time_us=0.5))


class EndToEnd(unittest.TestCase):
    def test_what_was_measured_is_kept(self):
        output = SCRATCH / 'results.json'
        output.unlink(missing_ok=True)
        command = [sys.executable, BENCH / 'kernels', '--cases', 'train 5x5 6-16 14x14', '--seconds', '0.02', '--compiler', CNNC, '--output', output]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        self.assertRegex(shown, r'train 5x5 6-16 14x14: conv.lanes [0-9.]+ us')
        self.assertRegex(shown, r'conv.lanes_grad_weight \(gradient\)')
        self.assertRegex(shown, r'(?m)^conv.lanes_grad_weight +\d+ of +\d+ reach')
        measured = json.loads(output.read_text())['measurements']
        self.assertEqual(subprocess.run(command, capture_output=True, text=True, check=True).stdout, shown)
        self.assertEqual(json.loads(output.read_text())['measurements'], measured)
        none = subprocess.run([*command, '--cases', 'nothing'], capture_output=True, text=True)
        self.assertEqual((none.returncode, none.stderr), (1, 'bench/kernels: nothing was measured\n'))


if __name__ == '__main__':
    SCRATCH.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=sys.argv[:1])

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bench/scaling: its networks, its costs and plots, and one short measurement.

usage: bench_scaling.py BENCH CNNC SCRATCH
"""
import importlib.util
import json
import pathlib
import subprocess
import sys
import unittest
import xml.etree.ElementTree

BENCH, CNNC, SCRATCH = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
sys.path[:0] = [str(BENCH / 'scaling'), str(BENCH)]

import networks
from benchtools import machine, programs

spec = importlib.util.spec_from_file_location('scaling_driver', BENCH / 'scaling/__main__.py')
driver = importlib.util.module_from_spec(spec)
spec.loader.exec_module(driver)


def entry(series, value, threads=1, **measured):
    return {'key': {'series': series, 'network': 'n', 'value': value, 'threads': threads}, **measured}


class Networks(unittest.TestCase):
    def summary(self, text, name):
        path = SCRATCH / f'{name}.cnn'
        path.write_text(text)
        done = subprocess.run([CNNC, 'summary', path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_every_size_and_depth_is_a_network(self):
        for side in driver.SERIES['image'][0]:
            self.assertIn('global_avgpool', self.summary(networks.image_network(side), 'image'))
        for depth in driver.SERIES['depth'][0]:
            convolutions = self.summary(programs.source_for(networks.depth_network(depth)), 'depth').count('.conv1 ')
            self.assertAlmostEqual(convolutions, depth, delta=2, msg=f'depth {depth}')    # projections and the dense layer

    def test_the_batch_of_training_can_be_set(self):
        self.assertIn('batch     = 4\n', programs.source_for(networks.depth_network(20), 4))


class Costs(unittest.TestCase):
    def test_costs_are_per_image_pixel_and_convolution(self):
        self.assertEqual(driver.cost(entry('batch', 32, median_ms=3.2)), 100)
        self.assertEqual(driver.cost(entry('image', 10, median_ms=1.0)), 10000)
        self.assertEqual(driver.cost(entry('depth', 20, median_ms=2.0)), 100)
        self.assertEqual(driver.cost(entry('compile', 20, seconds=7.5)), 7.5)

    def test_a_plot_has_a_line_for_each_network_and_number_of_threads(self):
        measured = [entry('batch', value, threads, median_ms=value) for value in (1, 2, 4) for threads in (1, 2)] + [entry('image', 32, median_ms=1)]
        root = xml.etree.ElementTree.fromstring(driver.plot(measured, 'batch'))
        self.assertEqual(len(list(root.iter('{http://www.w3.org/2000/svg}polyline'))), 2)
        self.assertEqual(len(list(root.iter('{http://www.w3.org/2000/svg}circle'))), 6)


class EndToEnd(unittest.TestCase):
    def test_what_was_measured_is_kept_and_more_threads_than_processors_are_said(self):
        output = SCRATCH / 'results.json'
        output.unlink(missing_ok=True)
        command = [sys.executable, BENCH / 'scaling', '--series', 'batch', '--networks', 'lenet', '--values', '2', '--seconds', '0.02',
                   '--compiler', CNNC, '--output', output, '--threads']
        processors = machine.choose_processors(1)
        self.assertIn('batch 2, lenet, 1 thread: ', machine.pinned([*command, '1'], processors))
        measured = json.loads(output.read_text())['measurements']
        both = subprocess.run([*command, '1,100000'], capture_output=True, text=True)
        self.assertIn('100000 threads, but this process may use only', both.stderr)
        self.assertEqual(json.loads(output.read_text())['measurements'], measured)
        xml.etree.ElementTree.parse(SCRATCH / 'batch.svg')


if __name__ == '__main__':
    SCRATCH.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=sys.argv[:1])

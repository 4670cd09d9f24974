# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The parts of bench/ that need neither peers nor time: ratios, means, table, plots, stored measurements, sources, rounds, peers.

usage: bench_compare.py BENCH CNNC SCRATCH
"""
import contextlib
import importlib.util
import json
import pathlib
import sys
import types
import unittest
import xml.etree.ElementTree

BENCH, CNNC, SCRATCH = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
sys.path[:0] = [str(BENCH / 'compare'), str(BENCH)]

import peers
import table
from benchtools import machine, plots, programs, store


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


driver = load('compare_driver', BENCH / 'compare/__main__.py')


def measurement(network, kind='infer', batch=1, threads=1, flops=2e6, peak=100.0, **milliseconds):
    sides = {name: {'median_ms': value, 'difference': 1e-7} for name, value in milliseconds.items()}
    return {'key': {'kind': kind, 'network': network, 'batch': batch, 'threads': threads}, 'flops': flops, 'peak_gflops': peak, 'sides': sides}


class Ratios(unittest.TestCase):
    def test_the_fastest_peer_counts(self):
        sides = measurement('lenet', cnnc=2.0, ncnn=5.0, torch=3.0)['sides']
        self.assertEqual(table.fastest_peer(sides), ('torch', 3.0))
        self.assertEqual(table.ratio(sides), 1.5)

    def test_no_ratio_without_both_sides(self):
        self.assertIsNone(table.ratio(measurement('lenet', cnnc=2.0)['sides']))
        self.assertIsNone(table.ratio({'cnnc': {'failure': 'crashed'}, 'ncnn': {'median_ms': 1.0}}))

    def test_means_are_geometric_and_by_kind_threads_and_batch(self):
        entries = [measurement('a', cnnc=1.0, ncnn=2.0), measurement('b', cnnc=1.0, ncnn=0.5, threads=2, batch=32),
                   measurement('c', 'train', cnnc=1.0, torch=3.0), measurement('d', cnnc=1.0)]
        found = {name: (round(mean, 9), low, count) for name, mean, low, count in table.means(entries)}
        self.assertEqual(found['infer'], (1.0, 0.5, 2))
        self.assertEqual(found['infer, 1 thread'], (2.0, 2.0, 1))
        self.assertEqual(found['infer, batch 32'], (0.5, 0.5, 1))
        self.assertEqual(found['train'], (3.0, 3.0, 1))

    def test_gradients_are_compared_too(self):
        self.assertTrue(table.agrees({'difference': 1e-6, 'gradient_difference': 1e-2}))
        self.assertFalse(table.agrees({'difference': 1e-6, 'gradient_difference': 1e-1}))
        self.assertFalse(table.agrees({'difference': 2e-3}))
        self.assertFalse(table.agrees({}))


class Tables(unittest.TestCase):
    def rows(self, *entries):
        return [dict(zip(table.rows(entries, 'infer', 1)[0], row)) for row in table.rows(entries, 'infer', 1)[1:]]

    def test_losses_shares_and_the_fastest_are_marked(self):
        won, lost = self.rows(measurement('a', cnnc=0.04, ncnn=0.08), measurement('b', cnnc=0.08, ncnn=0.04))
        self.assertEqual((won['cnnc'], won['ncnn'], won['ratio'], won['']), ('**0.04**', '0.08', '2.00', ''))
        self.assertEqual((won['GFLOP/s'], won['of the peak']), ('50.0', '50 %'))
        self.assertEqual((lost['ncnn'], lost['ratio'], lost['']), ('**0.04**', '0.50', 'loses to ncnn'))

    def test_what_failed_or_differs_is_shown(self):
        entry = measurement('a', cnnc=1.0, ncnn=2.0, mnn=3.0)
        entry['sides']['ncnn']['difference'] = 0.5
        del entry['sides']['mnn']['median_ms']
        entry['sides']['mnn']['failure'] = 'no such operator'
        row = self.rows(entry)[0]
        self.assertEqual((row['ncnn'], row['mnn']), ('2 (differs)', 'failed'))
        text = table.report({'about': {}, 'measurements': [entry]})
        self.assertIn('- infer a, batch 1, 1 threads, mnn: no such operator', text)

    def test_the_report_holds_every_line(self):
        text = table.report({'about': {'processor': 'P', 'versions': {'ncnn': '1'}}, 'measurements': [
            measurement('a', cnnc=1.0, ncnn=2.0), measurement('a', threads=2, cnnc=1.0, ncnn=2.0), measurement('b', 'train', cnnc=1.0)]})
        for title in ('### Inference, 1 thread\n', '### Inference, 2 threads\n', '### Training step, 1 thread\n', '### Geometric means'):
            self.assertIn(title, text)


class Plots(unittest.TestCase):
    def test_bars_go_right_of_one_for_wins_and_left_for_losses(self):
        text = plots.ratio_bars('a < b & c', [('won', 2.0, 'x'), ('lost', 0.5, '<script>')])
        root = xml.etree.ElementTree.fromstring(text)
        bars = [e for e in root.iter('{http://www.w3.org/2000/svg}rect')][1:]
        one = [e for e in root.iter('{http://www.w3.org/2000/svg}line') if e.get('stroke') == '#000000'][0]
        self.assertAlmostEqual(float(bars[0].get('x')), float(one.get('x1')), delta=0.2)
        self.assertAlmostEqual(float(bars[1].get('x')) + float(bars[1].get('width')), float(one.get('x1')), delta=0.2)

    def test_lines_have_a_point_for_each_number(self):
        root = xml.etree.ElementTree.fromstring(plots.lines('t', 'x', 'y', {'a': [(1, 1), (2, 4), (256, 300)], 'b': [(1, 2)]}))
        self.assertEqual(len(list(root.iter('{http://www.w3.org/2000/svg}circle'))), 4)
        xml.etree.ElementTree.fromstring(plots.lines('t', 'x', 'y', {}))

    def test_ticks_are_round(self):
        self.assertEqual([round(t, 6) for t in plots.ticks(0.5, 12)], [0.5, 1, 2, 5, 10])


class Stored(unittest.TestCase):
    def setUp(self):
        self.path = SCRATCH / 'stored.json'
        self.path.unlink(missing_ok=True)

    def test_a_measurement_is_found_again_and_replaced(self):
        first = store.Store(self.path)
        first.put({'n': 1}, {'value': 5})
        first.put({'n': 2}, {'value': 6})
        again = store.Store(self.path)
        self.assertEqual(again.find({'n': 1})['value'], 5)
        self.assertIsNone(again.find({'n': 3}))
        again.put({'n': 1}, {'value': 7})
        self.assertEqual([entry['value'] for entry in store.Store(self.path).measurements], [7, 6])

    def test_figures_of_two_machines_do_not_mix(self):
        stored = store.Store(self.path)
        stored.describe(processor='one')
        stored.put({'n': 1}, {})
        with self.assertRaisesRegex(ValueError, 'another processor'):
            store.Store(self.path).describe(processor='two')
        store.Store(self.path).describe(processor='one', date='later')


class Sources(unittest.TestCase):
    def test_inference_leaves_the_train_block_out_and_training_sets_its_batch(self):
        for path in sorted((BENCH / 'networks').glob('*.cnn')):
            text = path.read_text()
            self.assertNotIn('train', programs.source_for(text), path)
            self.assertIn('network', programs.source_for(text), path)
            self.assertIn('batch     = 7\n', programs.source_for(text, 7), path)

    def test_pinning_takes_the_last_processors_and_refuses_too_many(self):
        self.assertEqual(len(machine.choose_processors(1)), 1)
        with self.assertRaisesRegex(ValueError, 'processors'):
            machine.choose_processors(100000)


class Rounds(unittest.TestCase):
    def test_every_other_round_goes_backwards(self):
        order = []
        sides = {name: lambda name=name: order.append(name) or {'median_ms': 1} for name in 'abc'}
        measured, failures = driver.measure_rounds(sides, 3)
        self.assertEqual(''.join(order), 'abccbaabc')
        self.assertEqual((len(measured['b']), failures), (3, {}))

    def test_a_side_that_fails_is_left_out_and_told(self):
        def fails():
            raise peers.PeerError('crashed')
        measured, failures = driver.measure_rounds({'a': lambda: {'median_ms': 1}, 'b': fails}, 2)
        self.assertEqual((len(measured['a']), measured['b'], failures), (2, [], {'b': 'crashed'}))

    def test_the_median_of_rounds_counts(self):
        rounds = [{'median_ms': value, 'least_ms': value - 1} for value in (9, 3, 4)]
        self.assertEqual(driver.summary(rounds), {'median_ms': 4, 'least_ms': 2, 'rounds_ms': [9, 3, 4]})


class Restarts(unittest.TestCase):
    def attempts(self, *alive):
        """How often a case is measured whose peer is alive afterwards or not."""
        left, measured = list(alive), []
        before, driver.measure_case, driver.say = (driver.measure_case, driver.say), lambda *_: measured.append(1), lambda _: None
        try:
            driver.measure_with_restart(None, {}, lambda: {'ncnn': types.SimpleNamespace(alive=lambda: left.pop(0))}, None)
        finally:
            driver.measure_case, driver.say = before
        return len(measured)

    def test_a_case_in_which_a_peer_crashed_is_measured_once_more(self):
        self.assertEqual(self.attempts(True), 1)
        self.assertEqual(self.attempts(False, True), 2)
        self.assertEqual(self.attempts(False, False), 2)


class Workers(unittest.TestCase):
    """A peer of a few lines stands for the real ones."""

    TEXT = ('import json, sys, os\nprint(json.dumps({"version": "7", "kinds": ["infer"]}), flush=True)\n'
            'for line in sys.stdin:\n'
            '    do = json.loads(line)["do"]\n'
            '    if do == "crash": os._exit(3)\n'
            '    print(json.dumps({"error": "no such command"} if do == "fail" else {"did": do}), flush=True)\n')

    def start(self, text=TEXT):
        return peers.Peer(None, 'fake', 1, None, [sys.executable, '-c', text])

    def state(self, peer):
        return pathlib.Path(f'/proc/{peer.process.pid}/stat').read_text().rsplit(')', 1)[1].split()[0]

    def test_it_answers_fails_and_stands_still_between(self):
        with contextlib.closing(self.start()) as peer:
            self.assertEqual(peer.ask('measure'), {'did': 'measure'})
            self.assertEqual(self.state(peer), 'T')
            with self.assertRaisesRegex(peers.PeerError, 'no such command'):
                peer.ask('fail')
            self.assertTrue(peer.alive())

    def test_a_crash_is_an_error_and_not_the_end(self):
        with contextlib.closing(self.start()) as peer:
            for _ in range(2):
                with self.assertRaisesRegex(peers.PeerError, 'ended with 3'):
                    peer.ask('crash')
            self.assertFalse(peer.alive())

    def test_what_is_missing_is_said(self):
        said = []
        self.assertEqual(peers.start(SCRATCH / 'no/python', ['ncnn'], 1, None, said.append), {})
        self.assertIn('setup.sh', said[0])
        with self.assertRaisesRegex(peers.PeerError, 'No module named'):
            self.start('print(\'{"error": "No module named ncnn"}\')')


class EndToEnd(unittest.TestCase):
    def test_lenet_without_peers_is_measured_once_and_shown(self):
        output = SCRATCH / 'alone.json'
        output.unlink(missing_ok=True)
        command = [sys.executable, BENCH / 'compare', '--peers', 'none', '--networks', 'lenet', '--kinds', 'infer', '--batches', '1',
                   '--threads', '1', '--rounds', '1', '--seconds', '0.02', '--compiler', CNNC, '--output', output]
        first = machine.pinned(command, machine.choose_processors(1))
        self.assertIn('| lenet', first)
        entry = json.loads(output.read_text())['measurements'][0]
        self.assertEqual(entry['key'], {'kind': 'infer', 'network': 'lenet', 'batch': 1, 'threads': 1})
        self.assertEqual(entry['flops'], 2 * 416520)
        self.assertGreater(entry['peak_gflops'], 0)
        self.assertIn('bound', entry['sides']['cnnc']['kernels'][0])
        again = machine.pinned(command, machine.choose_processors(1))
        self.assertEqual(json.loads(output.read_text())['measurements'], [entry])
        self.assertEqual(again, first)
        xml.etree.ElementTree.parse(output.with_suffix('.svg'))


if __name__ == '__main__':
    SCRATCH.mkdir(parents=True, exist_ok=True)
    unittest.main(argv=sys.argv[:1])

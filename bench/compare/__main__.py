# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""cnnc against other engines: see --help and bench/README.md."""
import argparse
import datetime
import os
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import peers
import table
from benchtools import machine, plots, programs
from benchtools.command import add_common_options, add_threads_option, numbers, open_results, say, words

SMALL = ('lenet', 'mnist_cnn', 'resnet20', 'vgg11')
LARGE = ('resnet18', 'resnet50', 'mobilenet_v2')
TRAINED = {**{name: (32, 128) for name in SMALL}, 'resnet18': (16,)}
PEERS_TO_INFER = ('onnxruntime', 'openvino', 'ncnn', 'mnn', 'torch')
PEERS_TO_TRAIN = ('torch', 'torch_compile')
EXAMPLES = """
Examples:
  bench/compare/setup.sh                                   makes build/peers, once
  python3 bench/compare                                    everything that is not yet in build/compare/results.json
  python3 bench/compare --kinds infer --networks lenet,resnet20 --batches 1 --threads 1
  python3 bench/compare --peers onnxruntime,openvino --networks resnet50 --again
  python3 bench/compare --show                             prints the table of what was measured
  python3 bench/compare --peers none --networks lenet      cnnc alone
  python3 bench/compare --schedules tuned --output build/compare/tuned.json
                                                           with tuned/NETWORK-infer-b1.schedule and so on where they are
"""


def parse():
    parser = argparse.ArgumentParser(prog='bench/compare', description='Measures cnnc and other engines in turn, and compares.',
                                     epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--kinds', type=words, default=['infer', 'train'], help='infer,train')
    parser.add_argument('--networks', type=words, default=[*SMALL, *LARGE], help='default: all of bench/networks')
    parser.add_argument('--batches', type=numbers, help='default: 1,32 for inference; 32,128 (resnet18: 16) for training')
    parser.add_argument('--peers', type=words, help=f"of {','.join(peers.PEERS)}; none: cnnc alone (default: all, but torch_compile only for "
                        'training: it takes minutes a network, and other peers infer faster)')
    parser.add_argument('--rounds', type=int, default=5, help='how often each side is measured, in alternating order (default 5)')
    parser.add_argument('--seconds', type=float, default=0.5, help='of each measurement, at least three steps (default 0.5)')
    parser.add_argument('--show', action='store_true', help='measures nothing, prints the table')
    add_threads_option(parser)
    add_common_options(parser, 'compare', 'the table and the plot are written beside it (.md, .svg)')
    parser.add_argument('--environment', type=pathlib.Path, default=machine.ROOT / 'build/peers', help='what setup.sh made')
    parser.add_argument('--schedules', type=pathlib.Path, help='a folder of schedule files, NETWORK-KIND-bBATCH.schedule')
    options = parser.parse_args()
    for name, given, known in (('--networks', options.networks, {*SMALL, *LARGE}), ('--kinds', options.kinds, {'infer', 'train'}),
                               ('--peers', options.peers or [], {*peers.PEERS, 'none'})):
        unknown = sorted(set(given) - known)
        if unknown:
            parser.error(f"{name}: there is no {unknown[0]}; there are {', '.join(sorted(known))}")
    options.peers_of = {kind: [name for name in options.peers or (PEERS_TO_INFER if kind == 'infer' else PEERS_TO_TRAIN) if name != 'none']
                        for kind in options.kinds}
    for threads in options.threads:
        try:
            machine.choose_processors(threads)
        except ValueError as error:
            parser.error(f'--threads: {error}')
    return options


def cases(options):
    """What is to be measured: keys of the store, grouped by threads, since peers are started for a number of threads."""
    for threads in options.threads:
        for kind in options.kinds:
            for network in options.networks:
                usual = (1, 32) if kind == 'infer' else TRAINED.get(network, ())
                for batch in options.batches or usual:
                    yield {'kind': kind, 'network': network, 'batch': batch, 'threads': threads}


class Ours:
    """The program of one case."""

    def __init__(self, options, key, folder):
        self.key, self.folder = key, folder
        train = key['kind'] == 'train'
        text = programs.source_for((programs.NETWORKS / f"{key['network']}.cnn").read_text(), key['batch'] if train else None)
        arguments = [] if train else ['--batch', str(key['batch'])]
        name = f"{key['network']}-{key['kind']}-b{key['batch']}"
        schedule = options.schedules / f'{name}.schedule' if options.schedules else None
        if schedule and schedule.exists():
            arguments.append(f'--schedule={schedule}')
        self.program = programs.build(options.compiler, text, name, folder, arguments)
        self.weights = None

    def check(self, peer):
        """The differences to PyTorch's numbers; from here on its weights are used."""
        key, folder, train = self.key, str(self.folder), self.key['kind'] == 'train'
        peer.ask('export', network=key['network'], batch=key['batch'], names=self.program.tensor_names(), folder=folder)
        self.weights = os.path.join(folder, 'weights.safetensors')
        images, result = os.path.join(folder, 'images.npy'), os.path.join(folder, 'result.safetensors' if train else 'result.npy')
        if train:
            self.program.run('gradients', '--weights', self.weights, '--input', images, '--labels', os.path.join(folder, 'labels.npy'),
                             '--output', result)
        else:
            self.program.run('predict', '--weights', self.weights, '--batch', key['batch'], '--output', result, images)
        names = [tensor['name'] for tensor in self.program.info['weights']]
        return peer.ask('compare', kind=key['kind'], network=key['network'], batch=key['batch'], folder=folder, file=result,
                        names=names)

    def measure(self, seconds):
        told = self.program.bench(self.key['batch'], self.key['threads'], self.key['kind'] == 'train', seconds, self.weights)
        return {'median_ms': told['median_ms'], 'least_ms': told['min_ms']}, told


def prepare_peers(started, key, folder):
    """{peer: {"variants": {variant: difference}, "failure": text or None}} of those that can do this kind."""
    prepared = {}
    for name, peer in started.items():
        if key['kind'] not in peer.kinds or not peer.alive():
            continue
        try:
            told = peer.ask('prepare', kind=key['kind'], network=key['network'], batch=key['batch'], folder=str(folder))
            prepared[name] = {'variants': told['differences'], 'failure': told['failure']}
        except peers.PeerError as error:
            prepared[name] = {'variants': {}, 'failure': str(error)}
    return prepared


def measure_rounds(sides, rounds):
    """sides: {name: function that measures once}. Every other round goes backwards. {name: [what was measured]}; a side that fails
    is left out from then on, and its failure told under the name as a string."""
    measured, failures = {name: [] for name in sides}, {}
    for number in range(rounds):
        names = [name for name in sides if name not in failures]
        for name in names if number % 2 == 0 else reversed(names):
            try:
                measured[name].append(sides[name]())
            except (peers.PeerError, RuntimeError) as error:
                failures[name] = str(error)
    return measured, failures


def summary(measured):
    """Medians over the rounds, and all of them."""
    return {'median_ms': statistics.median(round_['median_ms'] for round_ in measured),
            'least_ms': min(round_['least_ms'] for round_ in measured), 'rounds_ms': [round_['median_ms'] for round_ in measured]}


def measure_case(options, key, started, folder):
    """Everything about one key, for the store."""
    ours, processors = Ours(options, key, folder), machine.choose_processors(key['threads'])
    differences = ours.check(started['torch']) if 'torch' in started else {}
    prepared = prepare_peers(started, key, folder)
    chosen = {}
    for name, made in prepared.items():   # the fastest variant of each peer goes on
        found, failures = measure_rounds({variant: lambda variant=variant: started[name].ask(
            'measure', variant=variant, seconds=options.seconds / 2, processors=processors) for variant in made['variants']}, 1)
        times = {variant: values[0]['median_ms'] for variant, values in found.items() if values}
        made['failure'] = made['failure'] or next(iter(failures.values()), None)
        if times:
            chosen[name] = min(times, key=times.get)
            made['variants_ms'] = times
    bench, before = {}, machine.speed(options.compiler, key['threads'])

    def measure_ours():
        short, bench['last'] = ours.measure(options.seconds)
        return short
    sides = {table.CNNC: measure_ours}
    for name, variant in chosen.items():
        sides[name] = lambda name=name, variant=variant: started[name].ask('measure', variant=variant, seconds=options.seconds,
                                                                           processors=processors)
    measured, failures = measure_rounds(sides, options.rounds)
    after = machine.speed(options.compiler, key['threads'])
    result = {name: {**(summary(values) if values else {}), 'failure': failures.get(name)} for name, values in measured.items()}
    result[table.CNNC] |= {**differences, 'build_seconds': round(ours.program.build_seconds, 2),
                           'kernels': bench['last']['kernels'] if 'last' in bench else []}
    for name, made in prepared.items():
        result.setdefault(name, {})
        result[name] |= {'failure': result[name].get('failure') or made['failure'], 'variant': chosen.get(name),
                         'difference': made['variants'].get(chosen.get(name)), 'variants_ms': made.get('variants_ms', {})}
    for peer in started.values():
        if peer.alive():
            peer.ask('forget')
    return {'flops': ours.program.flops(key['batch'], key['kind'] == 'train'), 'sides': result,
            'peak_gflops': max(figures['peak_gflops']['all_cores'] for figures in (before, after)), 'machine': [before, after],
            'date': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds')}


def write_report(content, output):
    text = table.report(content)
    output.with_suffix('.md').write_text(text)
    output.with_suffix('.svg').write_text(plots.ratio_bars('cnnc and the fastest of all peers', table.bars(content['measurements'])))
    return text


def one_line(key, entry):
    value = table.ratio(entry['sides'])
    times = ', '.join(f"{name} {side['median_ms']:.4g}" + ('' if table.agrees(side) else ' (?)') if 'median_ms' in side else f'{name} failed'
                      for name, side in entry['sides'].items())
    return f"{key['kind']} {key['network']} batch {key['batch']} threads {key['threads']}: {times} ms" + (f', ratio {value:.2f}' if value else '')


def usable_peers(options, key, started, unusable, log):
    """The peers of this kind by name, started if they are not there: at the beginning, and after a crash."""
    wanted = [name for name in options.peers_of[key['kind']] if name not in unusable]
    missing = [name for name in wanted if name not in started or not started[name].alive()]
    if missing:
        started.update(peers.start(options.environment / 'bin/python', missing, key['threads'], log, say))
        unusable.update(name for name in missing if name not in started or not started[name].alive())
    return {name: started[name] for name in wanted if name not in unusable}


def measure_with_restart(options, key, find_peers, folder):
    """measure_case, once more where a peer crashed in it."""
    for _ in range(2):
        usable = find_peers()
        entry = measure_case(options, key, usable, folder)
        crashed = [name for name, peer in usable.items() if not peer.alive()]
        if not crashed:
            break
        say(f"{key}: {', '.join(crashed)} crashed")
    return entry


def run(options, results, folder):
    todo = [key for key in cases(options) if options.again or not results.find(key)]
    say(f'{len(todo)} measurements; log of the peers: {folder / "peers.log"}')
    unusable = set()
    with open(folder / 'peers.log', 'wb') as log:
        for threads in options.threads:
            mine = [key for key in todo if key['threads'] == threads]
            if not mine:
                continue
            started = {}
            try:
                for key in mine:
                    try:
                        entry = measure_with_restart(options, key, lambda: usable_peers(options, key, started, unusable, log), folder)
                    except (RuntimeError, peers.PeerError) as error:
                        say(f'{key}: {error}')
                        continue
                    results.content['about'].setdefault('versions', {}).update({name: peer.version for name, peer in started.items()})
                    results.put(key, entry)
                    write_report(results.content, options.output)
                    say(one_line(key, entry))
            finally:
                for peer in started.values():
                    peer.close()


def main():
    options = parse()
    results = open_results('compare', options)
    if not options.show:
        with tempfile.TemporaryDirectory(prefix='cnnc-compare-') as folder:
            run(options, results, pathlib.Path(folder))
    if not results.measurements:
        sys.exit('bench/compare: nothing was measured')
    print(write_report(results.content, options.output), end='')


if __name__ == '__main__':
    main()

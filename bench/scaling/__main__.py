# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How cnnc's cost grows with batch, image, depth and threads: see --help and bench/README.md."""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import networks
from benchtools import plots, programs
from benchtools.command import add_common_options, add_threads_option, numbers, open_results, say, words

# What varies: its values by default, and the two axes of its plot.
SERIES = {
    'batch': ((1, 2, 4, 8, 16, 32, 64, 128, 256), 'images in a step', 'us an image'),
    'image': ((32, 64, 128, 256, 512), 'side of the image', 'ns a pixel of the image'),
    'depth': ((20, 38, 56, 110, 200), 'convolutions', 'us a convolution'),
    'compile': ((20, 38, 56, 110, 200), 'convolutions', 'seconds to compile'),
}
EXAMPLES = """
Examples:
  python3 bench/scaling                                     everything that is not yet in build/scaling/results.json
  python3 bench/scaling --series batch --networks lenet --values 1,32,256
  python3 bench/scaling --series compile                    compile time against depth, nothing cached
"""


def parse():
    parser = argparse.ArgumentParser(prog='bench/scaling', description='Measures how the cost of inference and of compiling grows.',
                                     epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--series', type=words, default=list(SERIES), help=f"default: {','.join(SERIES)}")
    parser.add_argument('--networks', type=words, default=['lenet', 'resnet20', 'vgg11'], help='of the series `batch` (default: lenet,resnet20,vgg11)')
    parser.add_argument('--values', type=numbers, help='what to vary over, instead of the defaults of each series')
    parser.add_argument('--seconds', type=float, default=0.5, help='of each measurement (default 0.5)')
    parser.add_argument('--show', action='store_true', help='measures nothing, prints what is there')
    add_threads_option(parser)
    add_common_options(parser, 'scaling', 'plots are written beside it, SERIES.svg')
    options = parser.parse_args()
    unknown = sorted(set(options.series) - set(SERIES))
    if unknown:
        parser.error(f"--series: there is no {unknown[0]}; there are {', '.join(SERIES)}")
    for name in options.networks:
        if not (programs.NETWORKS / f'{name}.cnn').exists():
            parser.error(f'--networks: there is no bench/networks/{name}.cnn')
    return options


def cases(options):
    """Keys of the store, those of one program together."""
    for series in options.series:
        for value in options.values or SERIES[series][0]:
            for name in options.networks if series == 'batch' else [series]:
                if series == 'compile':
                    yield from ({'series': series, 'network': 'depth', 'value': value, 'mode': mode} for mode in ('inference', 'training'))
                else:
                    yield from ({'series': series, 'network': name, 'value': value, 'threads': threads} for threads in options.threads)


def measure_compile(options, key, folder):
    """Seconds of a build without the kernel cache; for inference alone, or with the training step."""
    text = networks.depth_network(key['value'])
    text = programs.source_for(text) if key['mode'] == 'inference' else text
    return {'seconds': programs.build(options.compiler, text, f"compile_{key['mode']}_{key['value']}", folder,
                                      environment={'CNNC_CACHE': ''}).build_seconds}


def program_of(options, key, folder, built):
    """The program of a key, built once for all threads: tuned for the batch that it is measured with."""
    name = f"{key['series']}_{key['network']}_{key['value']}"
    if name not in built:
        built.clear()
        if key['series'] == 'batch':
            text = programs.source_for((programs.NETWORKS / f"{key['network']}.cnn").read_text())
        else:
            text = networks.image_network(key['value']) if key['series'] == 'image' else programs.source_for(networks.depth_network(key['value']))
        built[name] = programs.build(options.compiler, text, name, folder, ['--batch', str(key['value'] if key['series'] == 'batch' else 1)])
    return built[name]


def measure_run(options, key, folder, built):
    batch = key['value'] if key['series'] == 'batch' else 1
    program = program_of(options, key, folder, built)
    told = program.bench(batch, key['threads'], seconds=options.seconds)
    flops = program.flops(batch)
    return {'median_ms': told['median_ms'], 'flops': flops, 'peak_gflops': told['machine']['peak_gflops'],
            'gflops': flops / told['median_ms'] * 1e-6}


def cost(entry):
    """What the plot of its series shows."""
    key = entry['key']
    if key['series'] == 'compile':
        return entry['seconds']
    microseconds = entry['median_ms'] * 1e3
    if key['series'] == 'image':
        return microseconds * 1e3 / key['value'] ** 2
    return microseconds / key['value']


def line_name(key):
    return key['mode'] if key['series'] == 'compile' else f"{key['network']}, {key['threads']} thread{'s' * (key['threads'] > 1)}"


def plot(measurements, series):
    points = {}
    for entry in measurements:
        if entry['key']['series'] == series:
            points.setdefault(line_name(entry['key']), []).append((entry['key']['value'], cost(entry)))
    _, x_name, y_name = SERIES[series]
    return plots.lines(f'cnnc: cost against {x_name}', x_name, y_name, points)


def write_plots(measurements, output):
    for series in {entry['key']['series'] for entry in measurements}:
        (output.parent / f'{series}.svg').write_text(plot(measurements, series))


def one_line(entry):
    key, unit = entry['key'], SERIES[entry['key']['series']][2]
    share = f", {entry['gflops']:.1f} GFLOP/s, {100 * entry['gflops'] / entry['peak_gflops']:.0f} % of the peak" if 'gflops' in entry else ''
    return f"{key['series']} {key['value']}, {line_name(key)}: {cost(entry):.4g} {unit}{share}"


def main():
    options = parse()
    results = open_results('scaling', options)
    if not options.show:
        built = {}
        with tempfile.TemporaryDirectory(prefix='cnnc-scaling-') as folder:
            for key in cases(options):
                if results.find(key) and not options.again:
                    continue
                try:
                    results.put(key, measure_compile(options, key, folder) if key['series'] == 'compile' else measure_run(options, key, folder, built))
                except (RuntimeError, ValueError) as error:    # such as more threads than there are processors
                    say(f'{key}: {error}')
                    continue
                write_plots(results.measurements, options.output)
                say(one_line(results.find(key)))
    if not results.measurements:
        sys.exit('bench/scaling: nothing was measured')
    for entry in results.measurements:
        print(one_line(entry))


if __name__ == '__main__':
    main()

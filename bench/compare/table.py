# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From measurements to ratios, means, the table and the bars. A measurement's sides are {name: {"median_ms": …, …}}."""
import math
import statistics

CNNC = 'cnnc'
AGREES = 1e-3    # outputs or loss against double precision, relative to the largest number
# All gradients as one vector. Loose, because where a number is near 0 relu decides either way: PyTorch's own float32 gradients
# of ResNet-20 are 1e-2 away from those in double precision.
GRADIENTS_AGREE = 5e-2


def fastest_peer(sides):
    """(name, its milliseconds) of the fastest peer; (None, None) without peers."""
    peers = {name: side['median_ms'] for name, side in sides.items() if name != CNNC and 'median_ms' in side}
    name = min(peers, key=peers.get, default=None)
    return name, peers.get(name)


def ratio(sides):
    """Time of the fastest peer / time of cnnc: above 1 cnnc is faster. None where one of them is missing."""
    _, theirs = fastest_peer(sides)
    ours = sides.get(CNNC, {}).get('median_ms')
    return theirs / ours if theirs and ours else None


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values)) if values else None


def agrees(side):
    return side.get('difference') is not None and side['difference'] <= AGREES and side.get('gradient_difference', 0) <= GRADIENTS_AGREE


def gflops(measurement):
    ours = measurement['sides'].get(CNNC, {}).get('median_ms')
    return measurement['flops'] / ours * 1e-6 if ours else None


def means(measurements):
    """[(description, geometric mean, lowest ratio, lines)] by kind and threads, by kind and batch, and by kind."""
    groups = {}
    for entry in measurements:
        value, key = ratio(entry['sides']), entry['key']
        if value is None:
            continue
        kind, threads = key['kind'], f"{key['threads']} thread{'s' * (key['threads'] > 1)}"
        names = [kind, f'{kind}, {threads}'] + ([f"{kind}, batch {key['batch']}"] if kind == 'infer' else [])
        for name in names:
            groups.setdefault(name, []).append(value)
    return [(name, geometric_mean(values), min(values), len(values)) for name, values in sorted(groups.items())]


def cell(side, best):
    if side is None:
        return ''
    if 'median_ms' not in side:
        return 'failed'
    words = f"{side['median_ms']:.4g}" + ('' if agrees(side) else ' (?)' if side.get('difference') is None else ' (differs)')
    return f'**{words}**' if best else words


def rows(measurements, kind, threads):
    """The table of one kind and number of threads, as lists of cells; the head first."""
    chosen = [entry for entry in measurements if (entry['key']['kind'], entry['key']['threads']) == (kind, threads)]
    names = sorted({name for entry in chosen for name in entry['sides']}, key=lambda name: (name != CNNC, name))
    table = [['network', 'batch', *names, 'ratio', 'GFLOP/s', 'of the peak', '']]
    for entry in chosen:
        sides, value, speed = entry['sides'], ratio(entry['sides']), gflops(entry)
        least = min((side['median_ms'] for side in sides.values() if 'median_ms' in side), default=None)
        peak = entry.get('peak_gflops')
        table.append([entry['key']['network'], str(entry['key']['batch']),
                      *(cell(sides.get(name), sides.get(name, {}).get('median_ms') == least) for name in names),
                      f'{value:.2f}' if value else '', f'{speed:.1f}' if speed else '',
                      f'{100 * speed / peak:.0f} %' if speed and peak else '',
                      f'loses to {fastest_peer(sides)[0]}' if value and value < 1 else ''])
    return table


def markdown(table):
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]

    def line(cells):
        return '| ' + ' | '.join(text.ljust(width) for text, width in zip(cells, widths)) + ' |'
    return '\n'.join([line(table[0]), '|' + '|'.join('-' * (width + 2) for width in widths) + '|', *map(line, table[1:])])


def report(content):
    """Everything as Markdown."""
    about, measurements = content['about'], content['measurements']
    parts = [f"{about.get('processor', '')}; {about.get('compiler', '')}; {about.get('date', '')}",
             'peers: ' + ', '.join(f'{name} {version}' for name, version in sorted(about.get('versions', {}).items())),
             f"`{about.get('command', '')}`", '',
             'Median milliseconds of a step; ratio: fastest peer / cnnc. (differs): its outputs are off by more '
             f'than {AGREES:g} of the largest one, or its gradients by more than {GRADIENTS_AGREE:g}; (?): not compared.']
    for kind, title in (('infer', 'Inference'), ('train', 'Training step')):
        for threads in sorted({entry['key']['threads'] for entry in measurements if entry['key']['kind'] == kind}):
            parts += ['', f"### {title}, {threads} thread{'s' * (threads > 1)}", '', markdown(rows(measurements, kind, threads))]
    found = means(measurements)
    if found:
        parts += ['', '### Geometric means of the ratios', '',
                  markdown([['', 'geometric mean', 'lowest', 'lines']] +
                           [[name, f'{mean:.2f}', f'{low:.2f}', str(count)] for name, mean, low, count in found])]
    failures = [(entry['key'], name, side['failure']) for entry in measurements for name, side in sorted(entry['sides'].items())
                if side.get('failure')]
    if failures:
        parts += ['', '### What failed', '']
        parts += [f"- {key['kind']} {key['network']}, batch {key['batch']}, {key['threads']} threads, {name}: {failure}"
                  for key, name, failure in failures]
    return '\n'.join(parts) + '\n'


def bars(measurements):
    """Rows for benchtools.plots.ratio_bars."""
    made = []
    for entry in measurements:
        value, key = ratio(entry['sides']), entry['key']
        if value is not None:
            made.append((f"{key['kind']} {key['network']} b{key['batch']}, {key['threads']} thr.", value,
                         f"({fastest_peer(entry['sides'])[0]})"))
    return made

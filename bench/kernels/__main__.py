# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Each template of kernels on a list of shapes, against what the machine allows: see --help and bench/README.md."""
import argparse
import fnmatch
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from benchtools import programs
from benchtools.command import add_common_options, open_results, say
from cases import all_cases
from goals import judge

EXAMPLES = """
Examples:
  python3 bench/kernels                                   everything that is not yet in build/kernels/results.json
  python3 bench/kernels --cases 'train 3x3*' --again
  python3 bench/kernels --target avx2 --output build/kernels/avx2.json
"""
MEASURED = 'y.'     # cases bind the layers of interest to this name
BACKWARD = "'"      # ends the layer's name of a gradient's kernel


def parse():
    parser = argparse.ArgumentParser(prog='bench/kernels', description='Measures kernels alone, on one thread, as a share of what bounds them.',
                                     epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cases', default='*', metavar='PATTERN', help='only cases of such a name (`*` and `?` stand for other characters)')
    parser.add_argument('--target', help="cnnc's target (default: this machine's best)")
    parser.add_argument('--seconds', type=float, default=0.3, help='of each measurement (default 0.3)')
    parser.add_argument('--show', action='store_true', help='measures nothing, prints what is there')
    parser.add_argument('--short', action='store_true', help='prints only kernels that fall short')
    add_common_options(parser, 'kernels')
    return parser.parse_args()


def kernels_of_interest(kernels):
    """Those of the layers bound to `y`, each with whether it belongs to the forward pass."""
    return [{**kernel, 'forward': BACKWARD not in kernel['name']} for kernel in kernels if MEASURED in kernel['name']]


def measure(options, case, folder):
    arguments = [*(['--precise'] if case.precise else []), *(['--target', options.target] if options.target else [])]
    arguments += [] if case.train else ['--batch', str(case.batch)]
    told = programs.build(options.compiler, case.text, 'kernels', folder, arguments).bench(case.batch, 1, case.train, options.seconds)
    return {'machine': told['machine'], 'kernels': kernels_of_interest(told['kernels'])}


def lines(entry):
    """(text, verdict) for each kernel of a measured case."""
    case = entry['key']['case']
    for kernel in entry['kernels']:
        verdict = judge(case, kernel)
        goal = '' if verdict.goal is None else f', asked {100 * verdict.goal:.0f} %' + (', short' if verdict.is_short else '')
        rate = f", {kernel['gflops']:.1f} GFLOP/s" if kernel['gflops'] else ''
        side = '' if kernel['forward'] else ' (gradient)'
        yield (f"{case}: {kernel['op']}{side} {kernel['time_us']:.1f} us{rate}, {100 * verdict.share:.0f} % of {kernel['bound']}{goal}", verdict)


def summary(measurements):
    """For each template how many of its kernels reach what is asked, and the median share of what bounds them."""
    by_template = {}
    for entry in measurements:
        for kernel in entry['kernels']:
            verdict = judge(entry['key']['case'], kernel)
            if verdict.goal is not None:
                by_template.setdefault(kernel['op'], []).append(verdict)
    for template, verdicts in sorted(by_template.items()):
        reached = sum(not verdict.is_short for verdict in verdicts)
        yield (f'{template:32} {reached:3} of {len(verdicts):3} reach what is asked; median {100 * statistics.median(v.share for v in verdicts):.0f} %, '
               f'lowest {100 * min(v.share for v in verdicts):.0f} %')


def main():
    options = parse()
    results = open_results('kernels', options)
    if not options.show:
        with tempfile.TemporaryDirectory(prefix='cnnc-kernels-') as folder:
            for case in all_cases():
                key = {'case': case.name, 'target': options.target}
                if not fnmatch.fnmatchcase(case.name, options.cases) or (results.find(key) and not options.again):
                    continue
                try:
                    results.put(key, measure(options, case, folder))
                except RuntimeError as error:
                    say(f'{case.name}: {error}')
                    continue
                for text, _ in lines(results.find(key)):
                    say(text)
    shown = [entry for entry in results.measurements if fnmatch.fnmatchcase(entry['key']['case'], options.cases)]
    if not shown:
        sys.exit('bench/kernels: nothing was measured')
    for entry in shown:
        for text, verdict in lines(entry):
            if verdict.is_short or not options.short:
                print(text)
    print()
    print('\n'.join(summary(shown)))


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the commands of the benchmarks have in common: lists as options, where results go, what is said about them."""
import datetime
import pathlib
import shlex
import sys

from benchtools import machine, programs, store


def say(text):
    print(text, file=sys.stderr, flush=True)


def words(text):
    return [word for word in text.split(',') if word]


def numbers(text):
    return [int(word) for word in words(text)]


def add_threads_option(parser):
    parser.add_argument('--threads', type=numbers, default=[1, 2], help='default: 1,2')


def add_common_options(parser, name, written_beside=''):
    """Those of every benchmark `bench/NAME`, with its folder of results."""
    parser.add_argument('--again', action='store_true', help='measures also what is in the output already')
    parser.add_argument('--output', type=pathlib.Path, default=machine.ROOT / f'build/{name}/results.json', help='JSON' + (f'; {written_beside}' if written_beside else ''))
    parser.add_argument('--compiler', type=pathlib.Path, default=programs.DEFAULT_COMPILER, help='cnnc (default: build/release/bin/cnnc)')


def open_results(name, options):
    """The store of the output, described unless only --show is wanted; ends the program where it is of another machine or compiler."""
    results = store.Store(options.output)
    if options.show:
        return results
    try:
        results.describe(processor=machine.processor(), compiler=programs.compiler_version(options.compiler),
                         date=datetime.date.today().isoformat(), command=shlex.join(['python3', *sys.argv]))
    except ValueError as error:
        sys.exit(f'bench/{name}: {error}')
    return results

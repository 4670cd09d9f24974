# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lets a program whose runtime is built with the thread sanitizer train, stopped by signals after random times and resumed, evaluate
and predict, with two and three threads: watched_threads.py PROGRAM DATA [--stops N] [--seed N].

Fails where the sanitizer reports a race or a command ends otherwise than it should. Kernels are generated code, which the sanitizer
does not watch; who calls them, and when, it does.
"""
import argparse
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGUSR1: 0}

parser = argparse.ArgumentParser()
parser.add_argument('program', type=pathlib.Path)
parser.add_argument('data', type=pathlib.Path)
parser.add_argument('--stops', type=int, default=10)
parser.add_argument('--seed', type=int, default=0)
options = parser.parse_args()
program, data = options.program.resolve(), options.data.resolve()
moments = random.Random(options.seed)
problems = []


def run(what, expected, *arguments, stop=None):
    """Whether the command ended as expected, or by itself before its signal came; the time that it took."""
    begun = time.monotonic()
    process = subprocess.Popen([program, what, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if stop:
        number, seconds = stop
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
    errors = process.communicate()[1]
    if 'ThreadSanitizer' in errors or process.returncode not in {0, expected}:
        problems.append(f'{what} {" ".join(map(str, arguments))}, {stop}: status {process.returncode}\n{errors}')
    return time.monotonic() - begun


pixels = numpy.fromfile(data / 't10k-images-idx3-ubyte', numpy.uint8)[16:]      # behind the head of the IDX file
numpy.save('watched_images.npy', (pixels.reshape(-1, 1, 8, 8) / 255).astype(numpy.float32))
for threads in (2, 3):
    shared = ('--data', data, '--threads', threads)
    train = (*shared, '--quiet', '--save', 'watched.safetensors', '--checkpoint', f'watched{threads}.checkpoint', '--log', 'watched.csv', '--set', 'epochs=20')
    duration = run('train', 0, *train)
    for i in range(options.stops):
        number = moments.choice(list(STATUS))
        run('train', STATUS[number], *train, *['--resume'] * (i % 3 > 0), stop=(number, moments.uniform(0, duration)))
    run('train', 0, *train)
    run('eval', 0, '--weights', 'watched.safetensors', *shared)
    run('predict', 0, '--weights', 'watched.safetensors', '--threads', threads, '--output', 'watched.npy', 'watched_images.npy')

print('\n'.join(problems) if problems else f'2 and 3 threads, stopped {options.stops} times each: no race')
sys.exit(bool(problems))

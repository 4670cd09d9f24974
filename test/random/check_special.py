# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares built programs with the evaluator where numbers are not finite: check_special.py CNNC FOLDER [BUILD OPTION…].

FOLDER is what `cnnc-random --special` wrote. Where the evaluator has NaN, infinity or minus infinity, a program must have the same, and
a finite number within its bound elsewhere; a number beyond the range of f32 is infinity. Prints how many of each were compared.
"""
import collections
import pathlib
import subprocess
import sys

import numpy

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / 'numeric'))
import safetensors_file  # noqa: E402

cnnc, folder, *options = sys.argv[1:]
cnnc = pathlib.Path(cnnc).resolve()
EPS = 2.0 ** -24
SMALLEST = 1e-36
LARGEST = float(numpy.finfo(numpy.float32).max)
counts, complaints = collections.Counter(), []


def run(place, *command):
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=200)
    if done.returncode != 0:
        sys.exit(f'check_special.py: {place}: {" ".join(map(str, command))}\n{done.stderr}')


def outputs_of(place):
    run(place, './program', 'predict', '--weights', 'weights.safetensors', '--output', 'outputs.npy', 'images.npy')
    return numpy.load(place / 'outputs.npy')


def losses_of(place):
    """Of each image by itself."""
    images, labels = numpy.load(place / 'images.npy'), numpy.load(place / 'labels.npy')
    losses = []
    for i in range(len(images)):
        numpy.save(place / 'image.npy', images[i:i + 1])
        numpy.save(place / 'label.npy', labels[i:i + 1])
        run(place, './program', 'gradients', '--weights', 'weights.safetensors', '--input', 'image.npy', '--labels', 'label.npy', '--output', 'g.safetensors')
        losses.append(float(safetensors_file.read(place / 'g.safetensors')['loss']))
    return numpy.array(losses)


def kind(number):
    if numpy.isnan(number):
        return 'NaN'
    return 'finite' if abs(number) <= LARGEST else 'inf' if number > 0 else '-inf'


def compare(place, got):
    expected, bounds = numpy.load(place / 'expected.npy'), numpy.load(place / 'bounds.npy')
    if got.shape != expected.shape:
        sys.exit(f'check_special.py: {place}: {got.shape} instead of {expected.shape}')
    with numpy.errstate(invalid='ignore', over='ignore'):
        near = ~(numpy.abs(got - expected) > EPS * bounds + SMALLEST)      # a bound that is no number says nothing
    for at in numpy.ndindex(expected.shape):
        wanted = kind(expected[at])
        counts[wanted] += 1
        if kind(got[at]) != wanted or (wanted == 'finite' and not near[at]):
            complaints.append(f'{place.name}: element {at} is {got[at]}, but should be {expected[at]}')


for place in sorted(pathlib.Path(folder).iterdir()):
    run(place, cnnc, 'build', 'random.cnn', '-o', 'program', '--quiet', *options)
    compare(place, outputs_of(place) if place.name.startswith('layers') else losses_of(place))
if complaints:
    print(f'{len(complaints)} numbers differ', *complaints[:20], sep='\n')
print(', '.join(f'{counts[what]} {what}' for what in ('NaN', 'inf', '-inf', 'finite')))
sys.exit(bool(complaints))

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares built programs with the evaluator where numbers are not finite: check_special.py CNNC FOLDER [BUILD OPTION…].

FOLDER is what `cnnc-random --special` wrote: outputs, losses, and gradients of all weights, of each image by itself. Where the evaluator has
NaN, infinity or minus infinity, a program must have the same, and a finite number within its bound elsewhere; a number beyond the
range of the type (`--type f64`, else f32) is infinity. Prints how many of each were compared.
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
is_double = 'f64' in options
EPS = 2.0 ** -53 if is_double else 2.0 ** -24
SMALLEST = 1e-300 if is_double else 1e-36
LARGEST = float(numpy.finfo(numpy.float64 if is_double else numpy.float32).max)
counts, complaints = collections.Counter(), []


def run(place, *command):
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=200)
    if done.returncode != 0:
        sys.exit(f'check_special.py: {place}: {" ".join(map(str, command))}\n{done.stderr}')


def outputs_of(place):
    run(place, './program', 'predict', '--weights', 'weights.safetensors', '--output', 'outputs.npy', 'images.npy')
    return numpy.load(place / 'outputs.npy')


def losses_and_gradients_of(place):
    """Of each image by itself."""
    images, labels = numpy.load(place / 'images.npy'), numpy.load(place / 'labels.npy')
    found = collections.defaultdict(list)
    for i in range(len(images)):
        numpy.save(place / 'image.npy', images[i:i + 1])
        numpy.save(place / 'label.npy', labels[i:i + 1])
        run(place, './program', 'gradients', '--weights', 'weights.safetensors', '--input', 'image.npy', '--labels', 'label.npy', '--output', 'g.safetensors')
        for name, numbers in safetensors_file.read(place / 'g.safetensors').items():
            found[name].append(numpy.array(numbers))
    return {name: numpy.stack(numbers) for name, numbers in found.items()}


def kind(number):
    if numpy.isnan(number):
        return 'NaN'
    return 'finite' if abs(number) <= LARGEST else 'inf' if number > 0 else '-inf'


def compare(place, what, got, expected_file, bounds_file):
    expected, bounds = numpy.load(expected_file), numpy.load(bounds_file)
    if got.size != expected.size:
        sys.exit(f'check_special.py: {place}: {what}: {got.shape} instead of {expected.shape}')
    got = got.reshape(expected.shape)
    # Steps and comparisons pass no gradient on: their weights get 0, whatever these were to be multiplied with.
    if what.startswith('gradient') and not got.any() and not numpy.nan_to_num(expected).any():
        counts['finite'] += expected.size
        return
    with numpy.errstate(invalid='ignore', over='ignore'):
        near = ~(numpy.abs(got - expected) > EPS * bounds + SMALLEST)      # a bound that is no number says nothing
    for at in numpy.ndindex(expected.shape):
        wanted = kind(expected[at])
        counts[wanted] += 1
        if kind(got[at]) != wanted or (wanted == 'finite' and not near[at]):
            complaints.append(f'{place.name}: {what}: element {at} is {got[at]}, but should be {expected[at]}')


for place in sorted(pathlib.Path(folder).iterdir()):
    run(place, cnnc, 'build', 'random.cnn', '-o', 'program', '--quiet', *options)
    if place.name.startswith('layers'):
        compare(place, 'output', outputs_of(place), place / 'expected.npy', place / 'bounds.npy')
        continue
    found = losses_and_gradients_of(place)
    compare(place, 'loss', found['loss'], place / 'expected.npy', place / 'bounds.npy')
    for bounds in sorted((place / 'gradients').glob('*.bounds.npy')):
        name = bounds.name.removesuffix('.bounds.npy')
        compare(place, f'gradient of `{name}`', found[name], place / 'gradients' / (name + '.npy'), bounds)
if complaints:
    print(f'{len(complaints)} numbers differ', *complaints[:200], sep='\n')
print(', '.join(f'{counts[what]} {what}' for what in ('NaN', 'inf', '-inf', 'finite')))
sys.exit(bool(complaints))

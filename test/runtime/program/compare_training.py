# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Repeats the training of training_matches_numpy.test in NumPy: compare_training.py WEIGHTS X Y TRAINED LOG."""
import csv
import math
import sys

import numpy

import safetensors_file

EPOCHS, BATCH, STEPS, WARMUP = 2, 4, 6, 2
RATE, LEAST_RATE, MOMENTUM, DECAY, CLIP = 0.5, 0.01, 0.9, 0.1, 0.4

start, trained = safetensors_file.read(sys.argv[1]), safetensors_file.read(sys.argv[4])
x, y = numpy.load(sys.argv[2]).reshape(13, 64), numpy.load(sys.argv[3])
weights = {name: values.copy() for name, values in start.items() if name.startswith('dense1')}
velocity = {name: numpy.zeros_like(values) for name, values in weights.items()}
mean = start['mean.running_mean'].copy()
rows = []
for step in range(STEPS):
    begin = step % 3 * BATCH
    images, labels = x[begin:begin + BATCH], y[begin:begin + BATCH]
    logits = images @ weights['dense1.weight'].T + weights['dense1.bias']
    probability = numpy.exp(logits) / numpy.exp(logits).sum(1, keepdims=True)
    loss = -numpy.log(probability[range(BATCH), labels]).mean()
    slope = (probability - numpy.eye(10)[labels]) / BATCH
    gradients = {'dense1.weight': slope.T @ images, 'dense1.bias': slope.sum(0)}
    norm = math.sqrt(sum((g ** 2).sum() for g in gradients.values()))
    rate = RATE * (step + 1) / WARMUP
    if step >= WARMUP:
        rate = LEAST_RATE + (RATE - LEAST_RATE) * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP))) / 2
    rows.append((step + 1, step // 3 + 1, loss, rate))
    for name, gradient in gradients.items():
        gradient = gradient * min(1, CLIP / (norm + 1e-6)) + (DECAY if name == 'dense1.weight' else 0) * weights[name]
        velocity[name] = MOMENTUM * velocity[name] + gradient
        weights[name] -= rate * (gradient + MOMENTUM * velocity[name])
    mean = 0.9 * mean + 0.1 * images.mean()

for name, values in weights.items():
    numpy.testing.assert_allclose(trained[name], values, rtol=1e-11, atol=1e-14)
numpy.testing.assert_allclose(trained['mean.running_mean'], mean, rtol=1e-12)
with open(sys.argv[5], encoding='utf-8') as file:
    log = [tuple(float(row[key]) for key in ('step', 'epoch', 'loss', 'rate')) for row in csv.DictReader(file)]
numpy.testing.assert_allclose(log, rows, rtol=1e-11)

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares a gradients file with softmax regression in NumPy: compare_gradients.py WEIGHTS X Y GRADIENTS."""
import sys

import numpy

import safetensors_file

weights, gradients = safetensors_file.read(sys.argv[1]), safetensors_file.read(sys.argv[4])
x, y = numpy.load(sys.argv[2]).reshape(6, 64), numpy.load(sys.argv[3])
logits = x @ weights['dense1.weight'].T + weights['dense1.bias']
probability = numpy.exp(logits) / numpy.exp(logits).sum(1, keepdims=True)
loss = -numpy.log(probability[range(6), y]).mean()
slope = (probability - numpy.eye(10)[y]) / 6
assert sorted(gradients) == ['dense1.bias', 'dense1.weight', 'loss'], sorted(gradients)
numpy.testing.assert_allclose(gradients['loss'], loss, rtol=1e-12)
numpy.testing.assert_allclose(gradients['dense1.weight'], slope.T @ x, rtol=1e-10)
numpy.testing.assert_allclose(gradients['dense1.bias'], slope.sum(0), rtol=1e-10)

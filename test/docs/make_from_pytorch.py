# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the Python of docs/from-pytorch.md with PyTorch, compares with the built programs at once, and stores what
check_from_pytorch.py compares with later, where there is no PyTorch.

usage: python test/docs/make_from_pytorch.py CNNC FOLDER      needs torch and safetensors (pip); FOLDER: scratch
Writes Inputs/from_pytorch.json (names, shapes, types of each state_dict, a digest of the page's Python, versions),
Inputs/from_pytorch.safetensors (outputs, gradients, losses) and Inputs/classifier.safetensors (a state_dict as PyTorch writes it).
"""
import hashlib
import json
import platform
import sys

import numpy as np
import safetensors
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

import from_pytorch
import safetensors_file

MODULES = {'lenet': 'LeNet', 'residual': 'Residual', 'mobile': 'Mobile', 'vgg': 'vgg', 'classifier': 'Classifier'}


def agree(what, ours, theirs, tolerance=1e-5):
    error = np.max(np.abs(np.asarray(ours, np.float64) - theirs)) / np.max(np.abs(theirs))
    print(f'{what}: relative error {error:.1e}')
    if not error <= tolerance:
        sys.exit(f'{what} differs')


def filled(module, name):
    """The module with the test's numbers in all its tensors."""
    state = {key: torch.from_numpy(from_pytorch.tensor(name, key, tuple(value.shape))) for key, value in module.state_dict().items()}
    module.load_state_dict(state)
    return module


def both_ways(page, name, module, fresh, built):
    """Carries weights over and back with the page's functions; another module gets the same tensors."""
    weights, back = built.folder / 'weights.safetensors', built.folder / 'back.safetensors'
    if from_pytorch.NETWORKS[name][1]:
        page['to_file'](module, weights)
    else:
        page['to_file_by_order'](module, built.executable, weights)
    built.call('train', '--epochs', 0, '--data', '.', '--weights', weights, '--save', back, '--quiet')
    if from_pytorch.NETWORKS[name][1]:
        page['from_file'](fresh, back)
    else:
        page['from_file_by_order'](fresh, built.executable, back)
    for key, value in module.state_dict().items():
        if not key.endswith(from_pytorch.COUNTER) and not torch.equal(value, fresh.state_dict()[key]):
            sys.exit(f'{name}: {key} did not come back')


def gradients(module, built):
    """Loss and gradients with the batch's statistics, without dropout."""
    x, y = from_pytorch.training_data()
    module.train()
    module.dropout.eval()
    loss = F.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(y), label_smoothing=0.1)
    loss.backward()
    results = {'gradient/' + key: value.grad.numpy() for key, value in module.named_parameters()} | {'gradient/loss': loss.detach().numpy()}
    for key, value in built.gradients(x, y).items():
        if key == 'dense1.bias':  # batchnorm takes the mean away again: nothing but rounding is left
            del results['gradient/' + key]
        else:
            agree(f'gradient of {key}', value, results['gradient/' + key])
    return results


def losses(page, cnnc, folder):
    """The loss of each step of the page's loop, without chance: in the data's order and without dropout."""
    x, y = from_pytorch.training_data()
    module, seen = filled(page['Classifier'](drop=0.0), 'classifier'), []
    page['DataLoader'] = lambda data, batch_size, shuffle: DataLoader(data, batch_size)
    page['print'] = seen.append
    page['fit'](module, TensorDataset(torch.from_numpy(x), torch.from_numpy(y)))
    built = from_pytorch.build(cnnc, folder, 'classifier', ('-D', 'drop=0'))
    page['to_file'](filled(page['Classifier'](), 'classifier'), built.folder / 'weights.safetensors')
    agree('losses of the training', from_pytorch.trained_losses(built), np.array(seen))
    end = safetensors_file.read(built.folder / 'end.safetensors')
    for key, value in module.state_dict().items():
        if not key.endswith(from_pytorch.COUNTER) and key != 'dense1.bias':
            agree(f'{key} after the training', end[key], value.numpy())
    return {'losses': np.array(seen)} | {f'end/{key}': end.numpy() for key, end in module.state_dict().items()
                                        if not key.endswith(from_pytorch.COUNTER) and key != 'dense1.bias'}


def recipe_losses(page, name):
    """The losses with one row of the page's table, in the order of the data and without dropout."""
    optimizer_text, call, when, _ = from_pytorch.RECIPES[name]
    module = filled(page['Classifier'](drop=0.0), 'classifier').train()
    p = list(module.parameters())
    scope = vars(torch.optim) | vars(torch.optim.lr_scheduler) | {'clip_grad_norm_': nn.utils.clip_grad_norm_, 'p': p}
    scope |= {'matrices': [q for q in p if q.ndim > 1], 'vectors': [q for q in p if q.ndim == 1]}
    scope['optimizer'] = optimizer = eval(optimizer_text, scope)  # pylint: disable=eval-used
    schedule = eval(call, scope) if when in ('batch', 'epoch') else None  # pylint: disable=eval-used
    x, y = map(torch.from_numpy, from_pytorch.training_data())
    losses_seen = []
    for _ in range(5):
        for images, labels in DataLoader(TensorDataset(x, y), batch_size=32):
            loss = F.cross_entropy(module(images), labels)
            optimizer.zero_grad()
            loss.backward()
            if when == 'gradient':
                eval(call, scope)  # pylint: disable=eval-used
            optimizer.step()
            if when == 'batch':
                schedule.step()
            losses_seen.append(loss.item())
        if when == 'epoch':
            schedule.step()
    return np.array(losses_seen)


def main():
    cnnc, folder = sys.argv[1:]
    torch.manual_seed(0)
    python = '\n'.join(from_pytorch.blocks('python'))
    page = {'torch': torch, 'nn': nn, 'F': F, 'DataLoader': DataLoader}
    exec(python, page)  # pylint: disable=exec-used
    index = {'python': hashlib.sha256(python.encode()).hexdigest(), 'modules': {},
             'versions': f'torch {torch.__version__}, safetensors {safetensors.__version__}, python {platform.python_version()}',
             'seed': 'each tensor is a hash of its name, see from_pytorch.py'}
    stored = {}
    for name, class_name in MODULES.items():
        module = filled(page[class_name](), name).eval()
        built = from_pytorch.build(cnnc, folder, name)
        both_ways(page, name, module, page[class_name](), built)
        with torch.no_grad():
            output = module(torch.from_numpy(from_pytorch.images(name))).numpy()
        agree(f'output of {name}', built.predict(from_pytorch.images(name)), output)
        stored[f'{name}/output'] = output
        index['modules'][name] = {
            'state_dict': [[key, list(value.shape), str(value.dtype)] for key, value in module.state_dict().items()],
            'parameters': [key for key, _ in module.named_parameters()],
            'buffers': [key for key, _ in module.named_buffers()]}
        if name == 'classifier':
            page['to_file'](module, from_pytorch.INPUTS / 'classifier.safetensors')
            stored |= {f'{name}/{key}': value for key, value in gradients(module, built).items()}
    stored |= {f'classifier/{key}': value for key, value in losses(page, cnnc, folder).items()}
    for name in from_pytorch.RECIPES:
        stored[f'recipe/{name}'] = recipe_losses(page, name)
        computed = from_pytorch.recipe_losses(cnnc, folder, name, from_pytorch.INPUTS / 'classifier.safetensors')
        agree(f'losses with {name}', computed, stored[f'recipe/{name}'], 1e-5)
    safetensors_file.write(from_pytorch.INPUTS / 'from_pytorch.safetensors', stored)
    (from_pytorch.INPUTS / 'from_pytorch.json').write_text(json.dumps(index) + '\n')


if __name__ == '__main__':
    main()

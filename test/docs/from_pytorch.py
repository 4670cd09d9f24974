# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What make_from_pytorch.py (with PyTorch) and check_from_pytorch.py (without) have in common: the code blocks of
docs/from-pytorch.md, the numbers that weights and images get, and the built programs.

Every tensor of a state_dict is a hash of its name (test/numeric/values.py), so that weights need not be stored.
"""
import pathlib
import re
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'test' / 'numeric'))

import program  # noqa: E402  (found by the line above)
import values  # noqa: E402

PAGE = ROOT / 'docs' / 'from-pytorch.md'
INPUTS = pathlib.Path(__file__).resolve().parent / 'Inputs'

# The shape of each network's input, and whether its names are those of the module.
NETWORKS = {'lenet': ((1, 28, 28), True), 'residual': ((3, 16, 16), False), 'mobile': ((3, 32, 32), True),
            'vgg': ((3, 16, 16), False), 'classifier': ((20,), True)}
IMAGES = 5
SAMPLES, CLASSES = 100, 3  # of the training run: the last batch is smaller
COUNTER = 'num_batches_tracked'

# Recipes of the page's table: PyTorch's optimizer, what is called on it after each batch or epoch, and the settings here.
RECIPES = {
    'default': ('SGD(p, lr=0.01, momentum=0.9)', '', '', ''),
    'nesterov': ('SGD(p, lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)', '', '',
                 'optimizer = sgd(rate: 0.1, momentum: 0.9, decay: 5e-4, nesterov: true)'),
    'adam': ('Adam(p)', '', '', 'optimizer = adam'),
    'adamw': ('AdamW(p, lr=0.01)', '', '', 'optimizer = adamw(rate: 0.01, decay: 0.01)'),
    'groups': ('SGD([{"params": matrices, "weight_decay": 0.01}, {"params": vectors}], lr=0.1)', '', '',
               'optimizer = sgd(rate: 0.1, decay: 0.01, no_decay: [bias, norm])'),
    'step': ('SGD(p, lr=0.01, momentum=0.9)', 'StepLR(optimizer, 2, 0.1)', 'epoch', 'schedule = step(every: 2 epochs, factor: 0.1)'),
    'warmup': ('SGD(p, lr=0.01, momentum=0.9)', 'LambdaLR(optimizer, lambda k: min(1, (k + 1) / 4))', 'batch', 'warmup = 4 steps'),
    'clip': ('SGD(p, lr=0.01, momentum=0.9)', 'clip_grad_norm_(p, 0.5)', 'gradient', 'clip = clip(norm: 0.5)'),
}


def blocks(language):
    """The code of all blocks of a language on the page."""
    return re.findall(rf'^```{language}\n(.*?)^```$', PAGE.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL)


def cnn_source(name):
    """The network of that name on the page, with a recipe where it has none: `train` reads and writes weights only with one."""
    code = next(code for code in blocks('cnn') if f'network {name}(' in code)
    return code if f'train {name} ' in code else f'{code}\ntrain {name} {{ data = arrays("x.npy", "y.npy") }}\n'


def tensor(module, name, shape):
    """The value of one tensor of a state_dict."""
    if name.endswith(COUNTER):
        return np.array(7, np.int64)
    if name.endswith('running_var') or (len(shape) == 1 and name.endswith('weight')):
        low, high = 0.5, 1.5
    else:
        high = 0.2 if len(shape) == 1 else (3.0 / np.prod(shape[1:])) ** 0.5
        low = -high
    return values.uniform(f'{module}/{name}', shape, low, high).astype(np.float32)


def images(name):
    return values.uniform(f'{name}/images', (IMAGES, *NETWORKS[name][0])).astype(np.float32)


def training_data():
    return (values.uniform('classifier/x', (SAMPLES, *NETWORKS['classifier'][0])).astype(np.float32),
            values.integers('classifier/y', (SAMPLES,), CLASSES))


def build(cnnc, folder, name, options=()):
    return program.Program(cnnc, folder, name + ''.join(options).replace('=', ''), cnn_source(name), program.SINGLE, options)


def recipe_source(settings):
    """The classifier with other settings, the page's defaults apart: five passes over batches of 32."""
    network = cnn_source('classifier').split('train classifier')[0]
    return f'{network}train classifier {{\n data = arrays("x.npy", "y.npy")\n batch = 32\n epochs = 5\n {settings}\n}}\n'


def recipe_losses(cnnc, folder, name, weights):
    """The losses of the classifier trained by one of RECIPES, without dropout, from a file of weights."""
    built = program.Program(cnnc, folder, f'recipe_{name}', recipe_source(RECIPES[name][3]), program.SINGLE, ('-D', 'drop=0'))
    (built.folder / 'weights.safetensors').write_bytes(pathlib.Path(weights).read_bytes())
    return trained_losses(built)


def trained_losses(built):
    """The loss of each step of the recipe, from weights.safetensors in the program's folder."""
    for file, array in zip(('x.npy', 'y.npy'), training_data()):
        np.save(built.folder / file, array)
    built.call('train', '--weights', 'weights.safetensors', '--no-shuffle', '--log', 'log.csv', '--quiet', '--save', 'end.safetensors')
    rows = (built.folder / 'log.csv').read_text().splitlines()[1:]
    return np.array([float(row.split(',')[2]) for row in rows])

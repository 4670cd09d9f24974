# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds the networks of docs/from-pytorch.md, gives them state_dicts with PyTorch's names, and compares with what PyTorch
computed: outputs, names, gradients, and the losses of training runs. Needs no PyTorch.

usage: check_from_pytorch.py CNNC FOLDER
"""
import hashlib
import json
import shutil
import sys

import numpy as np

import from_pytorch
import comparison
import safetensors_file


def carry(name, module, built):
    """Writes weights.safetensors as the page's lines do, has the program write them again, and returns what is wrong."""
    state = {key: from_pytorch.tensor(name, key, shape) for key, shape, _ in module['state_dict']}
    if not from_pytorch.NETWORKS[name][1]:  # by order: parameters, then running statistics
        told = json.loads(built.call('info', '--json'))
        mine = module['parameters'] + [key for key in module['buffers'] if not key.endswith(from_pytorch.COUNTER)]
        state = {told['name']: state[key] for told, key in zip(told['weights'] + told['states'], mine, strict=True)}
    safetensors_file.write(built.folder / 'weights.safetensors', state)
    built.call('train', '--epochs', 0, '--data', '.', '--weights', 'weights.safetensors', '--save', 'back.safetensors', '--quiet')
    back = safetensors_file.read(built.folder / 'back.safetensors')
    expected = {key: value for key, value in state.items() if not key.endswith(from_pytorch.COUNTER)}
    if back.keys() != expected.keys():
        return f'{name}: the program wrote {sorted(back)}, not {sorted(expected)}'
    different = [key for key in back if back[key].shape != expected[key].shape or not np.array_equal(back[key], expected[key])]
    return f'{name}: {different} did not come back bit for bit' if different else ''


def classifier_results(cnnc, folder, built):
    """Gradients with all samples, and a training run from the state_dict that PyTorch itself wrote."""
    x, y = from_pytorch.training_data()
    shutil.copy(from_pytorch.INPUTS / 'classifier.safetensors', built.folder / 'weights.safetensors')
    results = {f'classifier/gradient/{key}': value for key, value in built.gradients(x, y).items()}
    run = from_pytorch.build(cnnc, folder, 'classifier', ('-D', 'drop=0'))
    shutil.copy(from_pytorch.INPUTS / 'classifier.safetensors', run.folder / 'weights.safetensors')
    results['classifier/losses'] = from_pytorch.trained_losses(run)
    results |= {f'classifier/end/{key}': value for key, value in safetensors_file.read(run.folder / 'end.safetensors').items()}
    # A summand before batchnorm has no gradient but rounding.
    return {key: value for key, value in results.items() if not key.endswith('/dense1.bias')}


def main():
    cnnc, folder = sys.argv[1:]
    index = json.loads((from_pytorch.INPUTS / 'from_pytorch.json').read_text())
    reference = safetensors_file.read(from_pytorch.INPUTS / 'from_pytorch.safetensors')
    problems, computed = [], {}
    if hashlib.sha256('\n'.join(from_pytorch.blocks('python')).encode()).hexdigest() != index['python']:
        problems.append("the page's Python is not what the references were computed with: run make_from_pytorch.py")
    for name in from_pytorch.NETWORKS:
        built = from_pytorch.build(cnnc, folder, name)
        problems.append(carry(name, index['modules'][name], built))
        computed[f'{name}/output'] = built.predict(from_pytorch.images(name))
        if name == 'classifier':
            computed |= classifier_results(cnnc, folder, built)
    text = from_pytorch.PAGE.read_text(encoding='utf-8')
    for name, recipe in from_pytorch.RECIPES.items():
        computed[f'recipe/{name}'] = from_pytorch.recipe_losses(cnnc, folder, name, from_pytorch.INPUTS / 'classifier.safetensors')
        if name != 'default':
            problems += [f'the page does not have `{part}`' for part in (recipe[1] or recipe[0], recipe[3]) if f'`{part}`' not in text]
    problems = [problem for problem in problems if problem]
    print('\n'.join(problems))
    return 0 if comparison.compare('from-pytorch', computed, reference, 1e-5) and not problems else 1


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""LeNet training side by side with PyTorch: one epoch of Fashion-MNIST at batch 64, both sides in turn, medians and their ratio.

    python bench/lenet_training.py build/lenet [--threads 2] [--rounds 5] [--python PYTHON_WITH_TORCH]

Ours: the time of `train --epochs 2` minus that of `train --epochs 1` (so neither start nor loading counts). PyTorch's: the same
network, loss, optimizer and batches in a plain loop over tensors that lie in memory (no data loader: that would only slow it
down), eager and torch.compile, the better one counts. PyTorch is no dependency of this project: give a Python that has it.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

BATCH = 64


def torch_epochs(threads, rounds, compiled):
    """Runs in the other Python: prints one epoch's seconds a line, each after a line read from standard input."""
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers = torch.nn
    network = layers.Sequential(
        layers.Conv2d(1, 6, 5, padding=2), layers.ReLU(), layers.MaxPool2d(2),
        layers.Conv2d(6, 16, 5), layers.ReLU(), layers.MaxPool2d(2), layers.Flatten(),
        layers.Linear(400, 120), layers.ReLU(), layers.Linear(120, 84), layers.ReLU(), layers.Linear(84, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=4e-3, weight_decay=1e-4)
    images, labels = torch.rand(60000, 1, 28, 28), torch.randint(0, 10, (60000,))

    def forward_loss(x, y):
        return torch.nn.functional.cross_entropy(network(x), y)

    step_loss = torch.compile(forward_loss) if compiled else forward_loss

    def epoch(steps):
        order = torch.randperm(60000)
        for i in range(steps):
            chosen = order[i * BATCH:(i + 1) * BATCH]
            optimizer.zero_grad(set_to_none=True)
            step_loss(images[chosen], labels[chosen]).backward()
            optimizer.step()

    epoch(20)
    print('ready', flush=True)
    for _ in range(rounds):
        sys.stdin.readline()
        begin = time.perf_counter()
        epoch(60000 // BATCH)
        print(time.perf_counter() - begin, flush=True)


def our_epoch(program, threads, folder):
    def seconds(epochs):
        begin = time.perf_counter()
        subprocess.run([os.path.abspath(program), 'train', '--epochs', str(epochs), '--threads', str(threads), '--quiet'],
                       check=True, cwd=folder, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin
    return seconds(2) - seconds(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program', help='the trainer that `cnnc build examples/lenet.cnn` makes')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--python', default=sys.executable, help='a Python with PyTorch')
    parser.add_argument('--peer', choices=['eager', 'compile'], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        torch_epochs(options.threads, options.rounds, options.peer == 'compile')
        return
    peers = {}
    for name in ('eager', 'compile'):
        command = [options.python, __file__, options.program, '--peer', name, '--threads', str(options.threads),
                   '--rounds', str(options.rounds)]
        peers[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ready = {name: peer.stdout.readline().strip() == 'ready' for name, peer in peers.items()}
    times = {name: [] for name in ('cnnc', *peers)}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            times['cnnc'].append(our_epoch(options.program, options.threads, folder))
            for name, peer in peers.items():
                if ready[name]:
                    peer.stdin.write('go\n')
                    peer.stdin.flush()
                    times[name].append(float(peer.stdout.readline()))
    medians = {name: statistics.median(values) for name, values in times.items() if values}
    best = min((value for name, value in medians.items() if name != 'cnnc'), default=None)
    print(json.dumps({'threads': options.threads, 'seconds_per_epoch': medians,
                      'times_as_fast_as_pytorch': best and best / medians['cnnc']}, indent=2))


if __name__ == '__main__':
    main()

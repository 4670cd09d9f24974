# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One peer in a process of its own that measures when it is told to.

usage: worker.py PEER THREADS       in the peers' environment
Reads a JSON object a line and answers each with one; an error is an answer with `error`. What libraries print goes to standard
error. Commands: prepare, measure, forget, export, compare (see the functions).
"""
import gc
import importlib
import importlib.metadata
import json
import os
import statistics
import sys
import time
import traceback
import warnings

FEWEST_RUNS = 3
LONGEST_WARM_UP = 0.3


def pin(processors, main):
    """The main thread onto the processors `main`, and every other thread that may leave `processors` onto these."""
    for thread in map(int, os.listdir('/proc/self/task')):
        try:
            if thread == os.getpid():
                os.sched_setaffinity(thread, main)
            elif not os.sched_getaffinity(thread) <= set(processors):
                os.sched_setaffinity(thread, processors)
        except ProcessLookupError:
            pass    # it has ended meanwhile


class Worker:
    def __init__(self, peer, threads):
        self.everywhere = os.sched_getaffinity(0)    # OpenMP may bind this thread as soon as it is loaded
        import engines
        import torch
        self.engines, self.torch = engines, torch
        module, distribution, self.makers = engines.PEERS[peer]
        importlib.import_module(module)
        self.version = importlib.metadata.version(distribution)
        self.threads, self.job, self.steps = threads, None, {}
        torch.set_num_threads(threads)

    def prepare(self, kind, network, batch, folder):
        """Makes all variants, on all processors, as converting and compiling take long; tells how far each result is off."""
        pin(self.everywhere, self.everywhere)
        self.forget()
        self.job, self.kind = self.engines.Job(network, batch, self.threads, folder), kind
        differences, failure = {}, None
        try:
            for variant, step in self.makers[kind](self.job):
                differences[variant] = self.difference(step())    # in training the loss before the first update
                self.steps[variant] = step
        except Exception as error:    # what there is by now is measured
            traceback.print_exc()
            failure = f'{type(error).__name__}: {error}'[:500]
        return {'differences': differences, 'failure': failure}

    def forget(self):
        self.steps = {}
        gc.collect()
        return {}

    def reference(self):
        """Outputs in double precision, computed once for all peers; for training the loss of the first step."""
        import networks
        import numpy
        path = self.job.path(f'.{self.kind}.npy')
        if not os.path.exists(path):
            network, x = networks.make(self.job.network).double(), self.job.images().double()
            with self.torch.no_grad():
                if self.kind == 'infer':
                    result = network(x).numpy()
                else:
                    classes = networks.labels(self.job.network, self.job.batch)
                    result = self.torch.nn.functional.cross_entropy(network.train()(x), classes).numpy()
            numpy.save(path, result)
        return numpy.load(path)

    def difference(self, result):
        """The largest difference to the reference, relative to its largest number."""
        import numpy
        reference = self.reference()
        result = numpy.asarray(result, dtype=numpy.float64).reshape(reference.shape)
        return float(numpy.abs(result - reference).max() / numpy.abs(reference).max())

    def measure(self, variant, seconds, processors):
        # OpenMP's other threads are bound by OMP_PLACES, the first place is that of the main thread: threads that wait busily on
        # the processor of the one that they wait for would cost milliseconds a loop.
        pin(processors, processors[:1] if 'OMP_PLACES' in os.environ else processors)
        step, times = self.steps[variant], []
        gc.collect()
        gc.disable()
        begin = time.perf_counter()
        step()
        while time.perf_counter() - begin < min(LONGEST_WARM_UP, seconds / 2):
            step()
        begin = last = time.perf_counter()
        while len(times) < FEWEST_RUNS or last - begin < seconds:
            step()
            now = time.perf_counter()
            times.append((now - last) * 1e3)
            last = now
        gc.enable()
        return {'median_ms': statistics.median(times), 'least_ms': min(times), 'runs': len(times)}

    def export(self, network, batch, names, folder):
        """Weights under the names that a built program gives them, and a batch of images and labels."""
        import networks
        import numpy
        from safetensors.torch import save_file
        tensors = networks.stored_tensors(networks.make(network))
        if len(tensors) != len(names):
            raise RuntimeError(f'{network} has {len(tensors)} tensors, but the program {len(names)}')
        save_file({name: tensor.detach().contiguous() for name, tensor in zip(names, tensors)}, os.path.join(folder, 'weights.safetensors'))
        numpy.save(os.path.join(folder, 'images.npy'), networks.images(network, batch).numpy())
        numpy.save(os.path.join(folder, 'labels.npy'), networks.labels(network, batch).numpy())
        return {}

    def compare(self, kind, network, batch, folder, file, names):
        """The difference of what a built program wrote: outputs as .npy, or loss and gradients as .safetensors."""
        import numpy
        self.job, self.kind = self.engines.Job(network, batch, self.threads, folder), kind
        if kind == 'infer':
            return {'difference': self.difference(numpy.load(file))}
        return self.gradient_difference(file, names)

    def gradient_difference(self, file, names):
        """The relative differences of the loss, and of all gradients taken as one long vector."""
        import networks
        from safetensors.torch import load_file
        theirs = load_file(file)
        network = networks.make(self.job.network).double().train()
        classes = networks.labels(self.job.network, self.job.batch)
        loss = self.torch.nn.functional.cross_entropy(network(self.job.images().double()), classes)
        loss.backward()
        distance = length = 0.0
        for name, parameter in zip(names, network.parameters()):
            distance += float((theirs[name].double() - parameter.grad).square().sum())
            length += float(parameter.grad.square().sum())
        wanted = loss.item()
        return {'difference': abs(theirs['loss'].item() - wanted) / abs(wanted), 'gradient_difference': (distance / length) ** 0.5}


def main():
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)
    warnings.filterwarnings('ignore')

    def answer(value):
        answers.write(json.dumps(value) + '\n')
        answers.flush()
    try:
        worker = Worker(sys.argv[1], int(sys.argv[2]))
    except ImportError as error:
        answer({'error': str(error)})
        return
    answer({'version': worker.version, 'kinds': list(worker.makers)})
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer(getattr(worker, command.pop('do'))(**command))
        except Exception as error:    # the driver reports it and goes on
            traceback.print_exc()
            answer({'error': f'{type(error).__name__}: {error}'[:500]})


if __name__ == '__main__':
    main()

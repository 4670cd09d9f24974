# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lets every system call that an operation makes on its files fail once, fail for good, lie, or kill the process, and looks at what
is left: failing_calls.py PROGRAM DATA OPERATION… [--every N].

An operation is a row of OPERATIONS, a call a row of FAULTS. strace counts the calls of the undisturbed operation, and then spoils one
after the other, in a run each. Whatever happens: the run ends by itself or is killed, without crash and without internal error;
what it does not write it says; a fault that comes once costs nothing; what can be resumed is resumed, and ends with the bytes of
the undisturbed run; a load that fails leaves all files as they were.
"""
import argparse
import collections
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass

ONCE, FOR_GOOD = 'when={}', 'when={}+'
DISK = [('error=EIO', ONCE), ('error=EIO', FOR_GOOD), ('signal=KILL', ONCE)]
FULL = [('error=ENOSPC', ONCE), ('error=ENOSPC', FOR_GOOD)]
INTERRUPTED = [('error=EINTR', ONCE)]
# System call: what happens to it. A `retval` is a lie: the call does nothing, and says that it moved so many bytes.
FAULTS = {
    'openat': DISK + FULL + INTERRUPTED,
    'read': DISK + INTERRUPTED + [('retval=0', ONCE), ('retval=0', FOR_GOOD), ('retval=1', ONCE)],
    'write': DISK + FULL + INTERRUPTED + [('retval=0', ONCE), ('retval=0', FOR_GOOD), ('retval=1', ONCE)],
    'fsync': DISK + FULL + INTERRUPTED,
    'fdatasync': DISK + FULL + INTERRUPTED,
    'rename': DISK + FULL,
    'ftruncate': DISK + INTERRUPTED,
    'fchmod': DISK,
    'flock': DISK + INTERRUPTED,
    'lseek': DISK,
    'newfstatat': DISK,
    'close': DISK,
    'unlink': DISK,
    'mmap': [('error=ENOMEM', ONCE), ('error=ENOMEM', FOR_GOOD), ('signal=KILL', ONCE)],
}

HANGS_AFTER_S = 60
CHECKPOINT_FILES = ['run.checkpoint', '.run.checkpoint.partial', 'run.checkpoint.previous', '.']
NOT_SAVED, NO_LOG = 'THE CHECKPOINT WAS NOT WRITTEN', 'cannot .* the log '


@dataclass
class Operation:
    """A way to run the program, and the files on which calls fail."""
    files: list[str]            # below the run's folder, or absolute; empty: the calls have no file
    calls: list[str]
    resumed: bool = False       # from a folder with two checkpoints, of the first and the second epoch; else from an empty one
    retried: bool = True        # a fault that comes once costs nothing
    may_fail: bool = False      # a fault for good ends the run, with a message


FILE_CALLS = [call for call in FAULTS if call != 'mmap']
OPERATIONS = {
    'save': Operation(CHECKPOINT_FILES, FILE_CALLS),
    'resume': Operation(CHECKPOINT_FILES, FILE_CALLS, resumed=True, may_fail=True),
    'log': Operation(['run.csv'], FILE_CALLS),
    'resumed-log': Operation(['run.csv'], FILE_CALLS, resumed=True),
    'weights': Operation(['out/run.safetensors', 'out/.run.safetensors.partial', 'out'], FILE_CALLS, may_fail=True),
    'data': Operation(['DATA/train-images-idx3-ubyte', 'DATA/train-labels-idx1-ubyte'], FILE_CALLS, retried=False, may_fail=True),
    'memory': Operation([], ['mmap'], resumed=True, retried=False, may_fail=True),
}
RESULTS = ('run.checkpoint', 'run.csv', 'out/run.safetensors')


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()}


class Driver:
    def __init__(self, options):
        self.options = options
        self.base = pathlib.Path.cwd()
        self.folder = self.base / 'run'
        # The folder with two checkpoints, and the undisturbed results.
        self.prepare(None)
        self.expect_done(self.train(['--epochs', '2']))
        (self.folder / 'out' / 'run.safetensors').unlink()
        self.two = self.keep('two')
        self.expect_done(self.train(['--resume']))
        self.whole = contents(self.folder)

    def keep(self, name):
        shutil.rmtree(self.base / name, ignore_errors=True)
        shutil.copytree(self.folder, self.base / name)
        return self.base / name

    def prepare(self, source):
        shutil.rmtree(self.folder, ignore_errors=True)
        if source:
            shutil.copytree(source, self.folder)
        else:
            self.folder.mkdir()
        (self.folder / 'out').mkdir(exist_ok=True)

    def expect_done(self, run):
        if run.returncode != 0:
            sys.exit(f'the undisturbed run ended with {run.returncode}: {run.stderr}')

    def train(self, more, tracer=()):
        place = lambda name: str(self.folder / name)    # strace compares whole names
        command = [self.options.program, 'train', '--data', self.options.data, '--quiet', '--threads', '1', '--checkpoint', place('run.checkpoint'),
                   '--save', place('out/run.safetensors'), '--log', place('run.csv')]
        whole_command = [*tracer, *command, *more]
        process = subprocess.Popen(whole_command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors='replace', start_new_session=True)
        try:
            _, said = process.communicate(timeout=HANGS_AFTER_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)      # strace and what it watches
            process.communicate()
            raise
        return subprocess.CompletedProcess(whole_command, process.returncode, None, said)

    def start(self, operation, tracer):
        self.prepare(self.two if operation.resumed else None)
        return self.train(['--resume'] if operation.resumed else [], tracer)

    def tracer(self, operation, calls, *more):
        names = [name.replace('DATA', self.options.data) for name in operation.files]
        paths = [part for name in names for part in ('-P', os.path.normpath(self.folder / name))]
        return ['strace', '-f', '--seccomp-bpf', '-qq', '-o', 'trace', *paths, '-e', 'trace=' + ','.join(calls), *more]

    def count_calls(self, operation):
        self.expect_done(self.start(operation, self.tracer(operation, operation.calls)))
        return self.counts()

    def count_loader(self, operation):
        """The calls before the program begins: what fails there is the system's affair."""
        if operation.files:
            return collections.Counter()
        subprocess.run([*self.tracer(operation, operation.calls), self.options.program, '--version'], stdout=subprocess.DEVNULL, check=True)
        return self.counts()

    def counts(self):
        return collections.Counter(re.findall(r'^\d+ +(\w+)\(', pathlib.Path('trace').read_text(), re.M))

    def problem_of(self, operation, fault, when, run):
        """What is wrong after a disturbed run, or None."""
        said, once = run.stderr, when == ONCE
        if run.returncode == -9:
            return None if 'KILL' in fault else 'it was killed'
        if run.returncode not in (0, 1) or 'internal error' in said:
            return f'status {run.returncode}'
        if run.returncode == 1:
            if once and operation.retried or not operation.may_fail:
                return 'the run ended'
            if 'error: ' not in said:
                return 'it ended without a message'
            if operation.resumed and contents(self.folder) != contents(self.two):
                return 'a failed load changed files'
            return None
        now = contents(self.folder)
        different = [name for name in RESULTS if run.returncode == 0 and now.get(name) != self.whole[name]]
        if 'retval=1' in fault:
            return None     # what was lost shows when it is read, if it shows at all
        allowed = {name: text for name, text in (('run.checkpoint', NOT_SAVED), ('run.csv', NO_LOG)) if re.search(text, said)}
        silent = [name for name in different if name not in allowed]
        if silent:
            return f'{silent} differ, and nothing was said'
        if once and operation.retried and (different or said):
            return f'it has cost something: {different}'
        return None

    def problem_afterwards(self, operation, fault, run):
        """Without faults the run ends with the bytes of the undisturbed one, from whatever is left."""
        resume = any((self.folder / name).exists() for name in ('run.checkpoint', 'run.checkpoint.previous'))
        lied = 'retval=1' in fault and 'run.csv' in operation.files     # a log has no checksum
        log_is_whole = not lied and not re.search(NO_LOG, run.stderr)
        again = self.train(['--resume'] * resume)
        if again.returncode != 0:
            return f'afterwards it ends with {again.returncode}: {again.stderr}'
        now = contents(self.folder)
        different = [name for name in RESULTS if now.get(name) != self.whole[name] and (name != 'run.csv' or log_is_whole)]
        if different:
            return f'afterwards {different} differ'
        strays = now.keys() - {*RESULTS, 'run.checkpoint.previous'}
        return f'files are left behind: {sorted(strays)}' if strays else None

    def disturb(self, name, operation, call, number, fault, when):
        inject = f'inject={call}:{fault}:{when.format(number)}'
        try:
            run = self.start(operation, self.tracer(operation, [call], '-e', inject))
        except subprocess.TimeoutExpired:
            return f'{name}: {inject}: it hangs'
        problem = self.problem_of(operation, fault, when, run) or self.problem_afterwards(operation, fault, run)
        return f'{name}: {inject}: {problem}\n{run.stderr}' if problem else None

    def run(self):
        tried, problems = 0, []
        for name in self.options.operations:
            operation = OPERATIONS[name]
            counts, before = self.count_calls(operation), self.count_loader(operation)
            if not counts:
                sys.exit(f'{name}: strace saw no call')
            runs = [(call, number, *fault) for call in operation.calls for number in range(before[call] + 1, counts[call] + 1) for fault in FAULTS[call]]
            chosen = random.Random(1).sample(runs, -(-len(runs) // self.options.every))
            for row in chosen:
                tried += 1
                problem = self.disturb(name, operation, *row)
                if problem:
                    problems.append(problem)
                    print('FAILED', problem, flush=True)
            print(f'{name}: {sum(counts.values())} calls, {len(chosen)} of {len(runs)} faults', flush=True)
        print(f'{tried} faults: {len(problems)} problems')
        return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program', type=os.path.abspath)
    parser.add_argument('data', type=os.path.abspath)
    parser.add_argument('operations', nargs='*', choices=[[], *OPERATIONS], help='default: all')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='one fault in N, the same in each run')
    options = parser.parse_args()
    options.operations = options.operations or list(OPERATIONS)
    sys.exit(Driver(options).run())


if __name__ == '__main__':
    main()

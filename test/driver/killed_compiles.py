# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ends compilations in each of their phases, by signals to the compiler and by killing the process that works for it: killed_compiles.py CNNC SOURCE FOLDER

Nothing may stay: no temporary file, nothing half-written beside the source, no process. The exit status is the signal's, or 70.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

LIMIT_S = 100

# Linkers that do not end: one that has nothing yet, and one that has written a part.
HANGING_LINKERS = {
    'cc': 'exec sleep 1000',
    'cc-half': 'while [ "$1" != -o ]; do shift; done; echo half > "$2"; echo more > "$TMPDIR/object"; sleep 1000',
}


def children(process):
    found = []
    for path in pathlib.Path(f'/proc/{process}/task').glob('*/children'):
        try:
            found += [int(child) for child in path.read_text(encoding='ascii').split()]
        except OSError:
            pass        # the process has ended
    return found


def descendants(process):
    return [one for child in children(process) for one in [child, *descendants(child)]]


def processes_of_session(session):
    """Those that have not ended; the parent of a process that has is in charge of it."""
    found = []
    for path in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            state, _, _, its_session = path.read_text(encoding='utf-8', errors='replace').rpartition(')')[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state != 'Z':
            found.append(path.parent.name)
    return found


def heed_signals():
    """What runs the tests may ignore them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Compilation:
    """A running `cnnc` with a fault or a linker that makes it hang in one phase."""

    def __init__(self, cnnc, source, folder, command, fault, linker, workers):
        shutil.rmtree(folder, ignore_errors=True)
        self.temporary, self.work = folder / 'tmp', folder / 'work'
        self.temporary.mkdir(parents=True)
        self.work.mkdir()
        shutil.copy(source, self.work / 'net.cnn')
        environment = {**os.environ, 'TMPDIR': str(self.temporary), 'CNNC_CACHE': ''}
        if fault:
            environment['CNNC_TEST_FAULT'] = fault
        if linker:
            (folder / 'bin').mkdir()
            script = folder / 'bin' / 'cc'
            script.write_text('#!/bin/sh\n' + HANGING_LINKERS[linker] + '\n', encoding='ascii')
            script.chmod(0o755)
            environment['PATH'] = f'{script.parent}:{environment["PATH"]}'
        self.process = subprocess.Popen([cnnc, *command], cwd=self.work, env=environment, start_new_session=True,
                                        preexec_fn=heed_signals, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.wait_until(lambda: len(descendants(self.process.pid)) >= workers and self.is_there(linker))

    def is_there(self, linker):
        """Whether the phase has come so far that it has something to leave behind."""
        wanted = {None: '*', 'cc': '*/*/program.o', 'cc-half': '*/*/object'}[linker]
        return any(self.temporary.glob(wanted))

    def wait_until(self, condition):
        end = time.monotonic() + LIMIT_S
        while not condition():
            if self.process.poll() is not None:
                raise SystemExit(f'the compiler has ended: {self.process.stderr.read()}')
            if time.monotonic() > end:
                os.killpg(self.process.pid, signal.SIGKILL)
                raise SystemExit(f'not so after {LIMIT_S} s; there is: {self.left()}')
            time.sleep(0.01)

    def left(self):
        files = [str(path.relative_to(self.temporary)) for path in self.temporary.rglob('*')
                 if not path.relative_to(self.temporary).parts[0].startswith('cnnc-defect-')]
        files += [path.name for path in self.work.iterdir() if path.name != 'net.cnn']
        return sorted(files) + [f'process {process}' for process in processes_of_session(self.process.pid)]

    def end(self, number, of_worker):
        target = children(self.process.pid)[0] if of_worker else self.process.pid
        os.kill(target, number)
        try:
            self.process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return f'it did not end within {LIMIT_S} s'
        wanted = 70 if of_worker else -number
        if self.process.returncode != wanted:
            return f'the status is {self.process.returncode}, not {wanted}'
        left = self.left()
        return f'left behind: {left}' if left else ''


BUILD = ['build', 'net.cnn', '--quiet']
# What hangs in its analysis hangs in it again when the stages of a defect's folder are made: they have as much time as a kernel.
HURRIED_BUILD = [*BUILD, '--timeout', '1']
# name: command, fault, linker, processes that there are then
PHASES = {
    'analysis': (HURRIED_BUILD, 'sema:hang', None, 1),
    'kernels': (BUILD, 'kernel:hang', None, 2),
    'code generation': (BUILD, 'llvm:hang', None, 1),
    'link': (BUILD, None, 'cc', 2),
    'link, half-written': (BUILD, None, 'cc-half', 3),
    'tuning': (['tune', 'net.cnn', '--time', '1h'], 'kernel:hang', None, 2),
}


def main():
    cnnc, source, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    failures = 0
    for name, phase in PHASES.items():
        for number, of_worker in [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGHUP, False), (signal.SIGKILL, True)]:
            if name == 'tuning' and number == signal.SIGINT:
                continue        # `tune` ends its search and keeps what it found: test/run/tune.test
            problem = Compilation(cnnc, source, folder, *phase).end(number, of_worker)
            if problem:
                failures += 1
                print(f'{name}, {number.name} to {"its worker" if of_worker else "the compiler"}: {problem}')
    print('nothing stays' if not failures else f'{failures} failures')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())

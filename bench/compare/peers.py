# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The driver's side of worker.py: a process a peer, which stands still while another side is measured."""
import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import time

from benchtools import machine

WORKER = pathlib.Path(__file__).with_name('worker.py')
PEERS = ('onnxruntime', 'openvino', 'ncnn', 'mnn', 'torch', 'torch_compile')
WITH_OPENMP = ('torch', 'torch_compile', 'ncnn')
LONGEST_ANSWER = 1800    # seconds: compiling a training step of a deep network takes minutes


class PeerError(Exception):
    pass


class Peer:
    """A worker; it is stopped by SIGSTOP whenever it is not asked something, so that its threads cannot disturb others."""

    def __init__(self, python, name, threads, log, command=None):
        self.name = name
        variables = {key: str(threads) for key in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')}
        if name in WITH_OPENMP:
            places = ','.join(f'{{{processor}}}' for processor in machine.choose_processors(threads))
            variables |= {'OMP_PROC_BIND': 'true', 'OMP_PLACES': places}
        self.process = subprocess.Popen(command or [python, WORKER, name, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log, env={**os.environ, **variables})
        self.received = b''
        try:
            hello = self.answer()
        except PeerError:
            self.close()
            raise
        self.version, self.kinds = hello['version'], hello['kinds']
        self.stop()

    def ask(self, do, **arguments):
        """The answer to a command; PeerError where it failed. After a timeout or a crash the process is gone."""
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps({'do': do, **arguments}).encode() + b'\n')
            self.process.stdin.flush()
            return self.answer()
        except BrokenPipeError:
            raise PeerError(f'ended with {self.process.wait()}') from None
        finally:
            self.stop()

    def stop(self):
        """Returns when it stands still, or has ended; what ended is left for poll to see."""
        if self.alive():
            self.process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def answer(self):
        deadline = time.monotonic() + LONGEST_ANSWER
        while b'\n' not in self.received:
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                self.close()
                raise PeerError(f'gave no answer in {LONGEST_ANSWER} s')
            got = os.read(self.process.stdout.fileno(), 1 << 16)
            if not got:
                raise PeerError(f'ended with {self.process.wait()}')
            self.received += got
        text, self.received = self.received.split(b'\n', 1)
        told = json.loads(text)
        if 'error' in told:
            raise PeerError(told['error'])
        return told

    def alive(self):
        return self.process.poll() is None

    def close(self):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):    # a command that it did not live to read
            self.process.stdin.close()
        self.process.stdout.close()


def start(python, names, threads, log, say):
    """The peers that can be started, by name; what is missing is said."""
    started = {}
    if not pathlib.Path(python).exists():
        say(f'there is no {python}: bench/compare/setup.sh makes it; going on without peers')
        return started
    for name in names:
        try:
            started[name] = Peer(python, name, threads, log)
        except PeerError as error:
            say(f'{name} cannot be used ({error}); going on without it')
    return started

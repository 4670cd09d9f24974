# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sends SIGINT into the first step of a training run: interrupt_large_step.py PROGRAM.

A step of PROGRAM takes far more processor time than MOST_S. Neither the moment nor the bound is a matter of the clock: both count the
processor time of the run, which a busy machine does not change.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy

BEFORE_S = 2      # more than starting takes, less than a step
MOST_S = 5         # from the signal to the end, all threads together


def processor_seconds(pid):
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='ascii').rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


numpy.save('images.npy', numpy.zeros((64, 64, 40, 40), numpy.float32))
numpy.save('labels.npy', numpy.arange(64, dtype=numpy.int32) % 10)
process = subprocess.Popen(['./' + sys.argv[1], 'train', '--quiet', '--threads', '2', '--checkpoint', 'saved'], stderr=subprocess.PIPE, text=True)
while processor_seconds(process.pid) < BEFORE_S:
    time.sleep(0.05)
at_signal = processor_seconds(process.pid)
process.send_signal(signal.SIGINT)
said = process.stderr.read()
_, status, usage = os.wait4(process.pid, 0)
taken = usage.ru_utime + usage.ru_stime - at_signal
if os.waitstatus_to_exitcode(status) != 130:
    sys.exit(f'the status is {os.waitstatus_to_exitcode(status)}, not 130: {said}')
if 'stopped after step 0;' not in said:
    sys.exit(f'the run was not in its first step: {said}')
if taken > MOST_S:
    sys.exit(f'the run took {taken:.1f} s of processor time to end')
print(f'the step was abandoned: {taken:.1f} s of processor time, {said.strip()}')

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sends a signal twice to a training run whose first step takes a minute: interrupt_twice.py SIGNAL STATUS COMMAND…

After the first one the run goes on with its step (it would leave after it); the second one must end it at once, with STATUS.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

STEP_MS, AT_ONCE, STILL_RUNS = 60_000, 1.0, 0.3

number, status = getattr(signal, 'SIG' + sys.argv[1]), int(sys.argv[2])
process = subprocess.Popen(sys.argv[3:], env=os.environ | {'HANDMADE_DELAY_MS': str(STEP_MS)})


def is_handled():
    fields = dict(line.split(':', 1) for line in pathlib.Path(f'/proc/{process.pid}/status').read_text().splitlines())
    return int(fields['SigCgt'], 16) >> (number - 1) & 1


while process.poll() is None and not is_handled():
    time.sleep(0.01)
time.sleep(STILL_RUNS)
process.send_signal(number)
try:
    sys.exit(f'interrupt_twice.py: the first signal ended the run with {process.wait(timeout=STILL_RUNS)}')
except subprocess.TimeoutExpired:
    process.send_signal(number)
try:
    found = process.wait(timeout=AT_ONCE)
except subprocess.TimeoutExpired:
    process.kill()
    sys.exit('interrupt_twice.py: the second signal did not end the run at once')
if found != status:
    sys.exit(f'interrupt_twice.py: the status is {found}, not {status}')

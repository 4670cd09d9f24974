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

STEP_MS, AT_ONCE, STILL_RUNS, POLLS_IN_STEP = 60_000, 1.0, 0.3, 30

number, status = getattr(signal, 'SIG' + sys.argv[1]), int(sys.argv[2])
process = subprocess.Popen(sys.argv[3:], env=os.environ | {'HANDMADE_DELAY_MS': str(STEP_MS)})


def is_in_step():
    """Its step sleeps; all that comes before, works."""
    fields = dict(line.split(':', 1) for line in pathlib.Path(f'/proc/{process.pid}/status').read_text().splitlines())
    return int(fields['SigCgt'], 16) >> (number - 1) & 1 and fields['State'].split()[0] == 'S'


polls_in_step = 0
while process.poll() is None and polls_in_step < POLLS_IN_STEP:
    time.sleep(0.01)
    polls_in_step = polls_in_step + 1 if is_in_step() else 0
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

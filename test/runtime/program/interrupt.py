# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sends a signal to a training run: interrupt.py SIGNAL STATUS CHECKPOINT COMMAND…

Each step of COMMAND takes 10 milliseconds more. The signal goes out a few steps after the first CHECKPOINT is there, so that it
comes in the middle of an epoch, in the middle of a step. Succeeds if the command ends with STATUS (-9: killed).
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

DELAY_MS, STEPS = 10, 5

name, status, checkpoint = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
checkpoint.unlink(missing_ok=True)
number = getattr(signal, 'SIG' + name)
# What runs the tests may ignore the signal (nohup does).
def restore():
    """What the test's caller ignores would be ignored by the program too; KILL has no handler to restore."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)


process = subprocess.Popen(sys.argv[4:], preexec_fn=restore, env=os.environ | {'HANDMADE_DELAY_MS': str(DELAY_MS)})
while not checkpoint.exists():
    if process.poll() is not None:
        sys.exit(f'interrupt.py: the command ended with {process.returncode} before its first checkpoint')
    time.sleep(DELAY_MS / 1000)
time.sleep(STEPS * DELAY_MS / 1000)
process.send_signal(number)
found = process.wait(timeout=120)
if found != status:
    sys.exit(f'interrupt.py: the status is {found}, not {status}')

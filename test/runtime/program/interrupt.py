# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sends a signal to a training run: interrupt.py SIGNAL STATUS DELAY SECONDS COMMAND…

Each step of COMMAND takes DELAY milliseconds more, and the signal goes out after SECONDS, so that it comes in the middle of a
step. Succeeds if the command ends with STATUS (-9: killed).
"""
import os
import signal
import subprocess
import sys
import time

name, status, milliseconds, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
process = subprocess.Popen(sys.argv[5:], env=os.environ | {'HANDMADE_DELAY_MS': milliseconds})
time.sleep(seconds)
process.send_signal(getattr(signal, 'SIG' + name))
found = process.wait(timeout=120)
if found != status:
    sys.exit(f'interrupt.py: the status is {found}, not {status}')

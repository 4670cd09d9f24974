# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command on a terminal and prints what it shows, each drawing on a line of its own, control characters as \\xHH."""
import os
import pty
import re
import sys

shown = b''
process, master = pty.fork()
if process == 0:
    os.environ['HANDMADE_DELAY_MS'] = '5'
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    try:
        content = os.read(master, 65536)
    except OSError:  # the other side is closed
        break
    if not content:
        break
    shown += content
_, status = os.waitpid(process, 0)
text = shown.decode().replace('\r\n', '\n').replace('\r', '\n')
print(re.sub(r'[\x00-\x09\x0b-\x1f]', lambda match: f'\\x{ord(match[0]):02x}', text))
sys.exit(os.waitstatus_to_exitcode(status))

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command whose standard error is a pipe that nobody reads, and ends with its status: closed_pipe.py COMMAND…"""
import os
import subprocess
import sys

reader, writer = os.pipe()
os.close(reader)
sys.exit(abs(subprocess.run(sys.argv[1:], stderr=writer).returncode))

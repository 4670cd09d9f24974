# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The machine: its processors, and how fast it is at this moment, as bench/roofline.cpp measures it."""
import json
import os
import pathlib
import re
import subprocess

BENCH = pathlib.Path(__file__).resolve().parents[1]
ROOT = BENCH.parent


def processor():
    """Name, family and model, as /proc/cpuinfo has them."""
    text = pathlib.Path('/proc/cpuinfo').read_text()
    found = {key.strip(): value.strip() for key, value in re.findall(r'^([^:\n]+):(.*)$', text, re.MULTILINE)}
    vectors = next((name for flag, name in (('avx512f', 'AVX-512'), ('avx2', 'AVX2')) if flag in found.get('flags', '').split()), 'SSE')
    return f"{found.get('model name', 'unknown')}, family {found.get('cpu family', '?')} model {found.get('model', '?')}, {vectors}"


def choose_processors(threads):
    """The last `threads` of the processors that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if threads > len(allowed):
        raise ValueError(f'{threads} threads, but this process may use only {len(allowed)} processors')
    return allowed[-threads:]


def pinned(command, processors, **options):
    """subprocess.run on these processors alone; gives standard output."""
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, processors), **options)
    if done.returncode:
        raise RuntimeError(f'{" ".join(map(str, command))} ended with {done.returncode}: {done.stderr.strip()[-500:]}')
    return done.stdout


def build_roofline(folder):
    """Compiles bench/roofline.cpp into the folder unless it is there and newer than its sources."""
    program = pathlib.Path(folder) / 'roofline'
    sources = [BENCH / 'roofline.cpp', ROOT / 'runtime/program/machine_speed.cpp']
    if not program.exists() or program.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['g++', '-std=c++20', '-O2', '-pthread', f'-I{ROOT}', *sources, '-o', program], check=True)
    return program


def speed(program, threads):
    """Peak (GFLOP/s) and bandwidths (GB/s) of `threads` threads together."""
    return json.loads(pinned([program, '--threads', str(threads)], choose_processors(threads)))

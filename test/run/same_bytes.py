# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds a network many times in many surroundings and compares all bytes: same_bytes.py CNNC FILE IMPORTED."""
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys
import time

cnnc, names = sys.argv[1], sys.argv[2:]
start = pathlib.Path.cwd()


def build(folder, source=None, jobs=1, umask=0o022, environment=None, where=None):
    """A program and an object with its header in `folder`, from the copy of the source that lies there."""
    folder = start / folder
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(start / name, folder)
    old = os.umask(umask)
    try:
        # An empty cache: every kernel is compiled here.
        surroundings = {**os.environ, 'CNNC_CACHE': str(folder / 'cache'), **(environment or {})}
        command = [cnnc, 'build', '--quiet', f'--jobs={jobs}', str(source(folder) if source else names[0]), '--emit=exe,obj', '-o', str(folder / 'net')]
        subprocess.run(command, cwd=where or folder, check=True, env=surroundings)
    finally:
        os.umask(old)
    mode = (folder / 'net').stat().st_mode & 0o777
    if mode != 0o777 & ~umask:
        sys.exit(f'{folder.name}: the mode of the program is {mode:o} where the umask is {umask:03o}')
    return folder


def times_of_old_files(folder):
    """The sources are as if from another century."""
    for name in names:
        os.utime(folder / name, (10**8, 10**8))
    return names[0]


def locale(name):
    """An environment in which this locale is in force, made here where the system has its sources."""
    made = start / f'{name}.UTF-8'
    if shutil.which('localedef'):
        subprocess.run(['localedef', '-i', name, '-f', 'UTF-8', made], capture_output=True, check=False)
    return {'LC_ALL': f'{name}.UTF-8', 'LANG': f'{name}.UTF-8', 'LOCPATH': str(start)}


first = build('first')
time.sleep(1.1)
others = [
    build('later'), build('another folder/deeper'), build('old', source=times_of_old_files), build('two_jobs', jobs=2),
    build('absolute', source=lambda folder: folder / names[0], where='/'), build('beside', source=lambda folder: pathlib.Path('..') / folder.name / names[0], where=start / 'first'),
    build('umask', umask=0o077), build('german', environment={**locale('de_DE'), 'TZ': 'Asia/Tokyo'}),
    build('turkish', environment={**locale('tr_TR'), 'LANGUAGE': 'tr', 'HOME': '/nowhere', 'TMPDIR': str(start)}),
    build('cached', environment={'CNNC_CACHE': str(first / 'cache'), 'SOURCE_DATE_EPOCH': '1', 'USER': 'someone'}),
]
for folder in others:
    for name in ('net', 'net.o', 'net.h'):
        if not filecmp.cmp(first / name, folder / name, shallow=False):
            sys.exit(f'{folder.relative_to(start)}: {name} differs')
print(f'{len(others) + 1} builds are equal')

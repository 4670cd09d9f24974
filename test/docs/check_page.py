# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs what a page of docs/ tells a reader to run, and compares every number that the page shows with what comes out.

usage: check_page.py CNNC ROOT PAGE     runs in the current folder, which must be empty
    ```console      a line that begins with `$ ` is a command, the lines below it are what it prints, numbers within 1e-6
    ```sum          `NAME: 2·3 − 1 = 5`, done by hand: all sides are equal, and a program printed the result somewhere on the page
    ```cnn …        stands word for word in the example that the page is about (EXAMPLE below)
    a number in the text stands in `backquotes`, and is one that a program printed or that the example has
"""
import math
import os
import pathlib
import re
import subprocess
import sys

EXAMPLE = 'examples/first_steps.cnn'
# What AddressSanitizer says about itself, in a build that has it, when Halide switches stacks.
ABOUT_SANITIZER = re.compile(r"^==\d+==WARNING: ASan doesn't fully support.*\n?", re.M)
NUMBER = re.compile(r'-?\d+(?:\.\d+)?(?:e[-+]?\d+)?')
FUNCTIONS = {'exp': math.exp, 'log': math.log, 'max': max}


def parts(text):
    """Yields (line number, mark, lines) of fenced blocks; what stands between them has the mark None."""
    mark, start, lines = None, 1, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith('```'):
            yield start, mark, lines
            mark, start, lines = (line[3:].strip() if mark is None else None), number + 1, []
        else:
            lines.append(line)
    yield start, mark, lines


def numbers(text):
    return [float(word) for word in NUMBER.findall(text)]


def close(a, b, tolerance=1e-6):
    return abs(a - b) <= tolerance * max(1.0, abs(a))


def same_text(shown, printed):
    """Equal apart from numbers, and those within the tolerance."""
    a, b = numbers(shown), numbers(printed)
    return NUMBER.sub('#', shown) == NUMBER.sub('#', printed) and all(close(x, y) for x, y in zip(a, b))


def check_console(lines, environment):
    """Runs the block's commands; returns (offset of a wrong line, problem) pairs and all that was printed."""
    wrong, printed, at = [], '', 0
    while at < len(lines):
        command, begin = lines[at].removeprefix('$ '), at
        at += 1
        while at < len(lines) and not lines[at].startswith('$ '):
            at += 1
        shown = '\n'.join(lines[begin + 1:at])
        done = subprocess.run(['bash', '-c', command], capture_output=True, text=True, env=environment, timeout=120)
        output = ABOUT_SANITIZER.sub('', done.stdout + done.stderr).rstrip('\n')
        printed += output + '\n'
        if done.returncode != 0 or not same_text(shown, output):
            wrong.append((begin, f'$ {command}\nprints (status {done.returncode})\n{output}\nnot\n{shown}'))
    return wrong, printed


def check_sum(line):
    """The problem of one line of a `sum` block, or an empty text, and its result."""
    sides = line.split(':', 1)[-1].replace('·', '*').replace('−', '-').replace('^', '**').split('=')
    values = [eval(side.strip(), {'__builtins__': {}}, FUNCTIONS) for side in sides]  # pylint: disable=eval-used
    exact = len(sides) > 1 and all(close(values[0], value, 5e-5) for value in values)
    return ('' if exact else f'the sides are {values}: {line}'), values[-1]


def main():
    cnnc, root, page = (pathlib.Path(path).resolve() for path in sys.argv[1:])
    environment = os.environ | {'PATH': f"{cnnc.parent}:{os.environ['PATH']}"}
    pathlib.Path('examples').symlink_to(root / 'examples')
    source = (root / EXAMPLE).read_text(encoding='utf-8')
    blocks = list(parts(page.read_text(encoding='utf-8')))
    wrong, printed = [], ''
    for start, mark, lines in blocks:
        if mark == 'console':
            found, output = check_console(lines, environment)
            wrong += [(start + offset, problem) for offset, problem in found]
            printed += output
        elif mark is not None and mark.startswith('cnn') and '\n'.join(lines) not in source:
            wrong.append((start, f'this block does not stand in {EXAMPLE}'))
    known = numbers(printed)
    sums = 0
    for start, mark, lines in blocks:
        for number, line in enumerate(lines, start):
            if mark == 'sum':
                problem, result = check_sum(line)
                sums += 1
                if problem:
                    wrong.append((number, problem))
                elif not any(close(result, value) for value in known):
                    wrong.append((number, f'no program printed {result}: {line}'))
            elif mark is None:
                bare = re.sub(r'`[^`]*`|\]\([^)]*\)', '', line)
                if re.search(r'\d', bare):
                    wrong.append((number, f'a number outside of backquotes: {line}'))
                for quoted in re.findall(r'`([^`]*)`', line):
                    if quoted not in source and not all(any(close(n, k) for k in known) for n in numbers(quoted)):
                        wrong.append((number, f'no program printed `{quoted}`'))
    for number, problem in sorted(wrong):
        print(f'{page.name}:{number}: {problem}')
    commands = sum(line.startswith('$ ') for _, mark, lines in blocks if mark == 'console' for line in lines)
    print(f'{commands} commands, {sums} sums, {len(wrong)} wrong')
    return 0 if commands and not wrong else 1


if __name__ == '__main__':
    sys.exit(main())

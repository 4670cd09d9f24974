# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Copies docs/first-steps.md with three wrong numbers: in a sum, in what a command prints, and in the text.

usage: falsify_page.py PAGE COPY
"""
import pathlib
import sys

CHANGES = [(' + 1·1 = 1\n', ' + 1·1 = 2\n'), ('\n 0 12 12\n', '\n 0 13 12\n'),
           ('Say that the right answer is `3`', 'Say that the right answer is `1234`')]


def main():
    text = pathlib.Path(sys.argv[1]).read_text(encoding='utf-8')
    for right, wrong in CHANGES:
        if right not in text:
            sys.exit(f'{sys.argv[1]} does not have {right!r}')
        text = text.replace(right, wrong, 1)
    pathlib.Path(sys.argv[2]).write_text(text, encoding='utf-8')


if __name__ == '__main__':
    main()

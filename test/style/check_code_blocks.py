# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks every block marked `cnn` of README.md, docs/ and the folders' README files with the compiler.

usage: check_code_blocks.py CNNC ROOT
How a block is marked says what is expected of it:
    ```cnn                      compiles without an error
    ```cnn error KIND           is refused with [KIND]
    ```cnn fragment: REASON     is no whole file, for the reason given, and is not compiled
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def blocks(text):
    """Yields (line number, mark, code) of each block that is marked `cnn`."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if start is None:
            match = re.match(r'\s*```cnn\b(.*)$', line)
            if match:
                start, mark, code = number, match.group(1).strip(), []
        elif line.strip() == '```':
            yield start, mark, '\n'.join(code) + '\n'
            start = None
        else:
            code.append(line)
    if start is not None:
        yield start, 'fragment:', ''


def problem(cnnc, mark, code, folder):
    """What is wrong with one block, or an empty text."""
    if mark.startswith('fragment'):
        return '' if re.match(r'fragment: \S+', mark) else 'a fragment needs a reason, and a block an end'
    kind = re.fullmatch(r'error ([\w-]+)', mark)
    if mark and not kind:
        return f'a block is marked `cnn`, `cnn error KIND` or `cnn fragment: REASON`, not `cnn {mark}`'
    file = folder / 'block.cnn'
    file.write_text(code, encoding='utf-8')
    done = subprocess.run([cnnc, 'check', file], capture_output=True, text=True, errors='replace', timeout=60)
    said = done.stdout + done.stderr
    if kind:
        return '' if done.returncode == 1 and f'[{kind.group(1)}]' in said else f'is not refused with [{kind.group(1)}]\n{said}'
    return '' if done.returncode == 0 else f'is refused\n{said}'


def main():
    cnnc, root = sys.argv[1], pathlib.Path(sys.argv[2])
    files = [root / 'README.md', *sorted(root.glob('docs/**/*.md')), *sorted(root.glob('*/README.md'))]
    count = fragments = failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            for line, mark, code in blocks(file.read_text(encoding='utf-8')):
                count += 1
                fragments += mark.startswith('fragment')
                said = problem(cnnc, mark, code, pathlib.Path(folder))
                if said:
                    failures += 1
                    print(f'{file.relative_to(root)}:{line}: {said}')
    print(f'{count} blocks, {fragments} of them fragments, {failures} wrong')
    return 0 if count > 0 and failures == 0 else 1


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the tests of a build folder: every GoogleTest binary bin/test_* and the lit suites of test/.

Prints each failure with its output, then a summary; the last line is `N passed, N failed`, counted over unit test cases
and lit tests together. A binary that crashes, hangs or does not start counts as failed: the case that ran, and each
case that could not run any more. The exit status is 0 only if none failed and at least one passed.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

WORKERS = 2
BINARY_TIMEOUT_S = 2400        # kernels under the address sanitizer, on a busy machine
SHARE_CASES = 20               # a binary that has more is run in shares of about so many, by all workers


class Totals:
    """What one part of the tests (a unit test binary, a lit suite) came to."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.skipped = 0
        self.failures = []      # (test, what it printed)
        self.seconds = 0.0


def listed_cases(binary):
    """The names SUITE.NAME of a GoogleTest binary, or None if it cannot tell."""
    try:
        done = subprocess.run([binary, '--gtest_list_tests'], capture_output=True, text=True, errors='replace', timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    cases, suite = [], ''
    for line in done.stdout.splitlines():
        name = line.split('#')[0].rstrip()
        if name and not name.startswith(' '):
            suite = name
        elif name.strip() and suite.endswith('.'):
            cases.append(suite + name.strip())
    return [case for case in cases if 'DISABLED_' not in case]


def shares_of(binary, pattern):
    """The matching cases of a binary in shares for the workers; None for a binary that does not list any."""
    cases = listed_cases(binary)
    if cases is None:
        return [(binary, None)]
    wanted = [case for case in cases if pattern is None or pattern.search(f'{binary.name}:{case}')]
    count = -(-len(wanted) // SHARE_CASES)
    return [(binary, wanted[i::count]) for i in range(count)]


def run_cases(binary, wanted):
    """Runs these cases of one GoogleTest binary and reads what it printed, so that a crash loses nothing."""
    totals, start = Totals(binary.name), time.monotonic()
    if wanted is None:
        totals.failures.append((binary.name, 'the binary does not list its tests'))
        return totals
    command = [binary, '--gtest_filter=' + ':'.join(wanted)]
    ending = ''
    with tempfile.TemporaryFile() as output:
        try:
            status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                    timeout=BINARY_TIMEOUT_S).returncode
            if status < 0:
                ending = f'the binary ended with signal {-status}'
            elif status not in (0, 1):
                ending = f'the binary ended with status {status}'
        except subprocess.TimeoutExpired:
            status, ending = -1, f'the binary ran longer than {BINARY_TIMEOUT_S} s'
        output.seek(0)
        text = output.read().decode(errors='replace')
    read_output(text, wanted, ending, totals)
    if status != 0 and not totals.failures:
        totals.failures.append((binary.name, ending or 'the binary failed after its last test\n' + text[-4000:]))
    totals.seconds = time.monotonic() - start
    return totals


def read_output(text, wanted, ending, totals):
    """Sorts each wanted case into passed, skipped or failed by the lines that GoogleTest prints around it."""
    left, said = set(wanted), []
    for line in text.splitlines():
        mark = re.search(r'\[( +OK |  FAILED  |  SKIPPED | RUN      )\] ([^ ,]+)', line)
        case = mark.group(2) if mark else None
        if case not in left:
            said.append(line)
            continue
        kind = mark.group(1).strip()
        if kind == 'RUN':
            said = []
            continue
        left.remove(case)
        if kind == 'OK':
            totals.passed += 1
        elif kind == 'SKIPPED':
            totals.skipped += 1
        else:
            totals.failures.append((case, '\n'.join(said)))
        said = []
    for case in wanted:
        if case in left:
            ran = f'] {case}' in text
            totals.failures.append((case, ('\n'.join(said[-60:]) + '\n' + ending) if ran else f'did not run: {ending}'))


def merged(parts):
    """One entry for each binary; its time is that of all its shares."""
    by_name = {}
    for part in parts:
        total = by_name.setdefault(part.name, Totals(part.name))
        total.passed += part.passed
        total.skipped += part.skipped
        total.failures += part.failures
        total.seconds += part.seconds
    return list(by_name.values())


def run_lit(build, pattern):
    """Runs all lit suites with one call of lit; its JSON report says what each test came to."""
    totals, start = Totals('lit'), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, 'report.json')
        lit = pathlib.Path(sys.executable).with_name('lit')
        command = [lit, f'-j{WORKERS}', '--quiet', '--output', report, str(build / 'test')]
        if pattern is not None:
            command += ['--filter', pattern.pattern, '--allow-empty-runs']
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
        if pattern is not None and done.returncode == 0 and not os.path.exists(report):
            return totals       # the filter matches no lit test
        try:
            with open(report, encoding='utf-8') as file:
                tests = json.load(file)['tests']
        except (OSError, ValueError, KeyError):
            totals.failures.append(('lit', 'lit wrote no report\n' + done.stdout))
            return totals
    for test in tests:
        if test['code'] in ('PASS', 'XFAIL', 'FLAKYPASS'):
            totals.passed += 1
        elif test['code'] in ('UNSUPPORTED', 'SKIPPED', 'EXCLUDED'):
            totals.skipped += 1
        else:
            totals.failures.append((f"{test['name']} ({test['code']})", test['output']))
    if done.returncode != 0 and not totals.failures:
        totals.failures.append(('lit', f'lit ended with status {done.returncode}\n' + done.stdout))
    totals.seconds = time.monotonic() - start
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=pathlib.Path, help='the build folder, such as build/release')
    parser.add_argument('--filter', type=re.compile, metavar='REGEX')
    options = parser.parse_args()

    binaries = sorted(path for path in (options.build / 'bin').glob('test_*') if os.access(path, os.X_OK))
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        shares = [share for binary in binaries for share in shares_of(binary.absolute(), options.filter)]
        parts = merged(pool.map(lambda share: run_cases(*share), shares))
    parts.append(run_lit(options.build, options.filter))

    for part in parts:
        for test, output in part.failures:
            print(f'---- FAILED {part.name}: {test}\n{output.rstrip()}\n')
    print(f"{'part':<28}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for part in parts:
        print(f'{part.name:<28}{part.passed:>8}{len(part.failures):>8}{part.skipped:>9}{part.seconds:>9.1f}')
    for part in parts:
        for test, _ in part.failures:
            print(f'failed: {part.name}: {test}')
    passed = sum(part.passed for part in parts)
    failed = sum(len(part.failures) for part in parts)
    print(f'{passed} passed, {failed} failed')
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == '__main__':
    sys.exit(main())

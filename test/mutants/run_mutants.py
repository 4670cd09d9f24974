# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests the tests: switches the mutants of a build on, one at a time, and runs the tests of the mutant's folder until one fails.

A mutant is killed when a test fails, crashes, hangs or takes too much memory. Results are kept as they come in
BUILD/mutants/results.tsv; a run that was stopped goes on. survivors.txt beside this file lists the mutants that are known to
survive, with the reason: most change nothing that anybody could see; those under "open" wait for a test. The exit status is 0
if at least 98 % of the mutants that ran, and are not listed there, were killed.
"""
import argparse
import concurrent.futures
import csv
import hashlib
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SURVIVORS = HERE / 'survivors.txt'
SHARE_KILLED = 0.98
OPEN = 'open'       # how the reason of a survivor begins that a test should kill
LARGEST_ADDRESS_SPACE = 8 << 30

# What tests a folder, quickest first: a unit test binary, `random N` (so many random networks against the tests' evaluator, on the
# graph), or `lit SUITE`.
TESTS = {
    'compiler/ops': ['test_autodiff', 'test_ops', 'random 30', 'lit ops', 'test_random'],
    'compiler/autodiff': ['test_autodiff', 'test_ops', 'lit autodiff', 'random 30'],
    'compiler/ir': ['test_autodiff', 'test_ops', 'test_ir', 'random 30'],
    'compiler/optimize': ['lit optimize', 'test_optimize', 'test_autodiff', 'random 30'],
    'compiler/schedule': ['test_schedule', 'lit schedule'],
    'runtime/formats': ['test_fuzz', 'test_formats'],
}

# Folders with thousands of mutants: one of so many is run, drawn once and for all by its key; `--all` runs the others too.
ONE_OF = {'compiler/ops': 4, 'compiler/schedule': 4, 'runtime/formats': 4}


class Mutant:
    """A row of mutants.tsv. `key` names it as long as its line stays what it is; the number is the build's."""

    def __init__(self, row, lines_seen):
        number, self.source, self.line, self.column, self.kind, self.original, self.mutated, self.text = row
        self.number = int(number)
        where = (self.source, self.text, self.column, self.kind, self.original, self.mutated)
        lines_seen[where] = lines_seen.get(where, 0) + 1
        self.key = '\t'.join([self.source, self.text, f'{self.column}.{lines_seen[where]}', self.kind, self.original, self.mutated])
        self.folder = os.path.dirname(self.source)
        self.is_drawn = int(hashlib.sha256(self.key.encode()).hexdigest(), 16) % ONE_OF.get(self.folder, 1) == 0

    def __str__(self):
        change = {'operator': f'{self.original} → {self.mutated}', 'constant': f'{self.original} → {self.mutated}',
                  'formula': f'{self.original} → {self.mutated}'}.get(self.kind, f'{self.kind}: {self.original}')
        return f'{self.number}  {self.source}:{self.line}:{self.column}  {change}\n      {self.text}'


class Step:
    """One of the tests of a folder; without a mutant it says how long it takes and which mutants' places it comes to."""

    def __init__(self, name, build):
        self.name, self.build, self.folder = name, build, build / 'mutants'
        self.seconds, self.reached, self.void = 0.0, set(), set()
        self.reached_by_case = {}      # of a unit test binary

    def command(self, scratch, cases=None):
        kind, _, argument = self.name.partition(' ')
        if kind == 'random':
            return [self.folder / 'cnnc-random', '--first', '0', '--count', argument, '--check-ir']
        if kind == 'lit':
            return [pathlib.Path(sys.executable).with_name('lit'), '-q', '-j1', '--max-failures', '1', '--param', f"cnnc={self.folder / 'cnnc'}",
                    '--param', f'scratch={scratch}', self.build / 'test' / argument]
        return [self.folder / self.name, '--gtest_fail_fast', '--gtest_brief=1', '--gtest_filter=' + ('*' if cases is None else ':'.join(cases))]

    def cases_for(self, number):
        """The cases of a unit test binary that come to a mutant's place; nothing for other tests, which run whole."""
        if not self.reached_by_case:
            return None
        return [case for case, reached in self.reached_by_case.items() if number in reached]

    def run(self, limit, cases=None, **environment):
        """Whether the tests pass within `limit` seconds."""
        scratch = tempfile.mkdtemp(prefix='cnnc-mutants-')
        process = subprocess.Popen(
            self.command(scratch, cases), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=scratch, start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LARGEST_ADDRESS_SPACE, LARGEST_ADDRESS_SPACE)),
            env={**os.environ, 'CNNC_CACHE': '', 'TMPDIR': scratch, **environment})
        try:
            self.output = process.communicate(timeout=limit)[0].decode(errors='replace')
        except subprocess.TimeoutExpired:
            return False
        finally:
            try:
                os.killpg(process.pid, 9)      # what a hanging test has started too
            except ProcessLookupError:
                pass
            process.wait()
            shutil.rmtree(scratch, ignore_errors=True)
        return process.returncode == 0

    def measure(self):
        start = time.monotonic()
        if ' ' in self.name:
            self.reached = self.reached_with(None)
        else:
            for case in listed_cases(self.folder / self.name):
                self.reached_by_case[case] = self.reached_with([case])
            self.reached = set().union(*self.reached_by_case.values())
        self.seconds = time.monotonic() - start

    def reached_with(self, cases):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, 'reached')
            if not self.run(600, cases, CNNC_MUTANTS_REACHED=file):
                raise SystemExit(f'`{self.name}` fails without a mutant:\n{self.output}')
            marks = pathlib.Path(file).read_bytes()
        half = len(marks) // 2
        self.void |= {number for number in range(half) if marks[half + number]}
        return {number for number in range(half) if marks[number]}

    def limit(self):
        return 10 + 10 * self.seconds


def listed_cases(binary):
    """The names SUITE.NAME of a unit test binary."""
    cases, suite = [], ''
    for line in subprocess.run([binary, '--gtest_list_tests'], capture_output=True, text=True, check=True).stdout.splitlines():
        name = line.split('#')[0].rstrip()
        if name.startswith(' '):
            cases.append(suite + name.strip())
        elif name.endswith('.'):
            suite = name
    return cases


def seed_of(mutants):
    """A number that changes with the sources."""
    return hashlib.sha256('\n'.join(mutant.key for mutant in mutants).encode()).hexdigest()


def read_survivors():
    """key → reason: lines of keys follow the line `# reason`."""
    reasons, reason = {}, ''
    for line in SURVIVORS.read_text(encoding='utf-8').splitlines():
        if line.startswith('# '):
            reason = line[2:]
        elif line:
            reasons[line] = reason
    return reasons


def run_all(mutants, steps, results_file, jobs):
    """Tests the mutants in their order; `results_file` gets a line for each at once."""
    lock, results = threading.Lock(), {}

    def test(mutant):
        verdict = 'survived'
        for step in steps[mutant.folder]:
            if mutant.number in step.reached and not step.run(step.limit(), step.cases_for(mutant.number), CNNC_MUTANT=str(mutant.number)):
                verdict = 'killed by ' + step.name
                break
        with lock:
            results[mutant.key] = verdict
            with open(results_file, 'a', encoding='utf-8') as file:
                file.write(f'{mutant.key}\t{verdict}\n')

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            for done in [pool.submit(test, mutant) for mutant in mutants]:
                done.result()
        finally:
            pool.shutdown(cancel_futures=True)
    return results


def report(mutants, results, reasons, steps):
    """Prints the score of each folder and the survivors that are not listed; returns the share killed of what is not listed."""
    reached = set().union(*(step.reached for folder in steps.values() for step in folder))
    unlisted, rows = [], []
    for folder in sorted({mutant.folder for mutant in mutants}):
        ran = [mutant for mutant in mutants if mutant.folder == folder and mutant.key in results]
        left = [mutant for mutant in ran if results[mutant.key] == 'survived']
        unlisted += [mutant for mutant in left if mutant.key not in reasons]
        waiting = sum(reasons.get(mutant.key, '').startswith(OPEN) for mutant in left)
        listed = sum(mutant.key in reasons for mutant in left)
        rows.append((folder, len(ran), len(ran) - len(left), listed - waiting, waiting, len(left) - listed))
    rows.append(('all', *(sum(row[column] for row in rows) for column in range(1, 6))))
    print(f"{'folder':<20}{'mutants':>9}{'killed':>8}{'equivalent':>12}{'open':>6}{'survived':>10}{'killed of those that differ':>30}")
    for folder, ran, killed, equivalent, waiting, survived in rows:
        print(f'{folder:<20}{ran:>9}{killed:>8}{equivalent:>12}{waiting:>6}{survived:>10}{100 * killed / max(1, ran - equivalent):>28.1f} %')
    for mutant in unlisted:
        print(f"survived: {mutant}{'' if mutant.number in reached else '   (no test comes here)'}")
    _, ran, killed, equivalent, waiting, _ = rows[-1]
    return killed / max(1, ran - equivalent - waiting)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build', type=pathlib.Path, help='the build folder, such as build/release; its target `mutants` is built')
    parser.add_argument('--sample', type=int, metavar='N', help='only N mutants, others after each change of the sources; nothing is kept')
    parser.add_argument('--least', type=float, default=SHARE_KILLED, metavar='SHARE', help='of what survivors.txt does not list, how much must be killed')
    parser.add_argument('--seed', help='what the sample and the order follow from (default: the sources)')
    parser.add_argument('--only', default='', metavar='TEXT', help='only mutants of sources whose names contain it')
    parser.add_argument('--all', action='store_true', help='of the large folders all, not a quarter')
    parser.add_argument('--numbers', type=int, nargs='+', metavar='N', help='only these mutants; nothing is kept')
    parser.add_argument('--retry', action='store_true', help='tests again what survived in an earlier run')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--keys', action='store_true', help='prints the survivors as lines for survivors.txt')
    options = parser.parse_args()
    build = options.build.resolve()

    seen = {}      # how often a line, as far as a key names it, has been there
    with open(build / 'mutants' / 'mutants.tsv', encoding='utf-8', newline='') as file:
        mutants = [Mutant(row, seen) for row in csv.reader(file, delimiter='\t', quoting=csv.QUOTE_NONE)]
    seed = options.seed or seed_of(mutants)
    if options.numbers:
        mutants = [mutant for mutant in mutants if mutant.number in options.numbers]
    else:
        mutants = [mutant for mutant in mutants if options.only in mutant.source and (options.all or mutant.is_drawn)]
    mutants.sort(key=lambda mutant: hashlib.sha256((seed + mutant.key).encode()).digest())

    all_steps = {name: Step(name, build) for folder in {mutant.folder for mutant in mutants} for name in TESTS[folder]}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(Step.measure, all_steps.values()))
    steps = {folder: [all_steps[name] for name in names if name in all_steps] for folder, names in TESTS.items()}
    void = set().union(*(step.void for step in all_steps.values()))
    mutants = [mutant for mutant in mutants if mutant.number not in void]

    results, results_file, reasons = {}, build / 'mutants' / 'results.tsv', read_survivors()
    if options.sample:
        mutants = [mutant for mutant in mutants if mutant.key not in reasons][:options.sample]
    if options.sample or options.numbers:
        results_file = os.devnull
    elif results_file.exists():
        for line in results_file.read_text(encoding='utf-8').splitlines():
            key, _, verdict = line.rpartition('\t')
            results[key] = verdict
    left = [mutant for mutant in mutants if mutant.key not in results or (options.retry and results[mutant.key] == 'survived')]
    results.update(run_all(left, steps, results_file, options.jobs))
    share = report(mutants, results, reasons, steps)
    if options.keys:
        print('\n'.join(mutant.key for mutant in mutants if results[mutant.key] == 'survived' and mutant.key not in reasons))
    return 0 if share >= options.least and mutants else 1


if __name__ == '__main__':
    sys.exit(main())

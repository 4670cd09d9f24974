# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stops a training run at many moments, resumes it, and compares what it leaves with the uninterrupted run, byte for byte:
stop_and_go.py PROGRAM DATA LIBRARY [--kills N] [--signals N] [--delays N] [--seed N].

Moments come from moments.c (LIBRARY): a call that the program makes, or the first touch of a page after one. They are drawn
from the calls of the uninterrupted run, each kind of moment in turn: in a step, between steps, in validation, between epochs, in
a save. Signals of --delays come after a random time instead. Some resumed runs are stopped again. Compared are weights, checkpoint (moments, position, settings) and log.
"""
import argparse
import collections
import filecmp
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

LEAVES_WITHIN_S = 2
STATUS = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGUSR1: 0}
FILES = ('run.safetensors', 'run.checkpoint', 'run.csv')
MOST_DRAWS = 50         # of a page
STOPPED_AGAIN = 0.3     # share of the resumed runs that are stopped, too


class Run:
    """One start of the program in a folder: how it ended, and what it did as moments.c tells it."""

    def __init__(self, options, folder, moment=None, resume=False, delayed=None):
        command = [options.program, 'train', '--data', options.data, '--quiet', '--save', FILES[0], '--checkpoint', FILES[1], '--log', FILES[2]]
        environment = os.environ | {'LD_PRELOAD': options.library, 'MOMENT_REPORT': 'report'}
        if moment:
            environment['MOMENT'] = ' '.join(map(str, moment))
        with open(folder / 'errors', 'wb') as errors:
            begun = time.monotonic_ns()
            process = subprocess.Popen(command + ['--resume'] * resume, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
            if delayed:
                number, seconds = delayed
                time.sleep(seconds)
                process.send_signal(number)
            self.status = process.wait()
        ended = time.monotonic_ns()
        self.duration = (ended - begun) / 1e9
        self.errors = (folder / 'errors').read_text()
        report = (folder / 'report').read_text() if (folder / 'report').exists() else ''
        sent = re.search(r'sent (\d+) (\d+)', report)
        self.event = int(sent[1]) if sent else None
        self.seconds = (ended - int(sent[2])) / 1e9 if sent else 0
        events = re.search('events ([a-z]*)', report)
        self.events = events[1] if events else ''


class Moments:
    """The kinds of moments in a run's events, and what each event is to training."""

    def __init__(self, events):
        runs = [match.span() for match in re.finditer('c{3,}', events)]
        steps = min(end - begin for begin, end in runs) - 1     # of an epoch: a call a step, and one for the epoch
        self.steps_done = {}                                    # by the number of the event that ends a step
        self.after = collections.defaultdict(list)              # kind of moment: events after which a page is touched
        self.at = collections.defaultdict(list)                 # kind of moment: events
        done = 0
        for begin, end in runs:
            first = end - 1 - steps                             # ends the first step of the epoch
            for event in range(first, end - 1):
                done += 1
                self.steps_done[event] = done
            self.after['in a step'] += range(first - 1, end - 2)
            self.at['between steps'] += range(first, end - 1)
            self.after['in validation'].append(end - 2)
            self.at['between epochs'] += [end - 1, end]         # the last call and the log's
        self.last_step = end - 2
        self.at['in a save'] = [match.start() + i for match in re.finditer('o+w+sr+os?', events) for i in range(len(match[0]))]

    def kinds(self):
        return [*self.after, *self.at]

    def draw(self, kind, chance):
        if kind in self.after:
            return [chance.choice(self.after[kind]), chance.randrange(1 << 20)]
        return [chance.choice(self.at[kind])]

    def done_at(self, event):
        return max((steps for end, steps in self.steps_done.items() if end <= event), default=0)


def saved_step(folder):
    """The number of steps done, as the checkpoint in the folder says it."""
    content = (folder / FILES[1]).read_bytes()
    return int(json.loads(content[8:8 + int.from_bytes(content[:8], 'little')])['__metadata__']['step'])


class Driver:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path.cwd()
        self.chance = random.Random(options.seed)
        self.whole = self.fresh('whole')
        run = Run(options, self.whole)
        if run.status != 0:
            sys.exit(f'the uninterrupted run ended with {run.status}: {run.errors}')
        self.events, self.duration = run.events, run.duration
        self.moments = Moments(run.events)
        self.counts = collections.Counter()
        self.slowest = 0

    def fresh(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def check_left(self, run, folder, number):
        """Status, time and what is saved, after the signal went out in the first run."""
        early = run.event < self.moments.last_step
        finished = run.status == 0 and not early                # nothing is left to stop after the last step
        if run.status != STATUS[number] and not finished:
            return f'the status is {run.status}, not {STATUS[number]}: {run.errors}'
        if number == signal.SIGUSR1 and early and run.events.count('r') <= self.events.count('r'):
            return 'nothing was saved'
        if number in (signal.SIGINT, signal.SIGTERM) and not finished:
            self.slowest = max(self.slowest, run.seconds)
            if run.seconds > LEAVES_WITHIN_S:
                return f'it took {run.seconds:.1f} s to leave'
        return None

    def check_step(self, run, folder, kind):
        """A step in which the signal came is abandoned, or was in its last stage; no other step is lost."""
        done, saved = self.moments.done_at(run.event), saved_step(folder)
        if kind == 'in a step':
            self.counts['abandoned' if saved == done else 'ended'] += 1
        if saved not in ((done, done + 1) if kind == 'in a step' else (done,)):
            return f'{done} steps were done, and {saved} were saved'
        return None

    def finish(self, folder):
        """Resumes until the run ends by itself; now and then it is stopped again."""
        again = self.chance.random() < STOPPED_AGAIN
        while True:
            resume = any((folder / name).exists() for name in (FILES[1], FILES[1] + '.previous'))
            moment = None
            if again:
                again = False
                kind = self.chance.choice(self.moments.kinds())
                moment = [int(self.chance.choice([signal.SIGKILL, signal.SIGINT])), *self.moments.draw(kind, self.chance)]
            run = Run(self.options, folder, moment, resume)
            if run.status == 0:
                return None
            if run.event is None:
                return f'resumed, it ended with {run.status}: {run.errors}'
            self.counts['stopped again'] += 1

    def compare(self, folder):
        left = {path.name for path in folder.iterdir()} - {'errors', 'report'}
        strays = left - {*FILES, FILES[1] + '.previous'}
        if strays:
            return f'files are left behind: {sorted(strays)}'
        differing = [name for name in FILES if not (folder / name).exists() or not filecmp.cmp(self.whole / name, folder / name, shallow=False)]
        return f'other bytes than the uninterrupted run: {differing}' if differing else None

    def interrupt(self, number, kind):
        """A run with a signal in it; a page that nothing touches at its time is drawn again."""
        for _ in range(MOST_DRAWS):
            moment = [int(number), *self.moments.draw(kind, self.chance)]
            folder = self.fresh('run')
            run = Run(self.options, folder, moment)
            if run.event is not None or kind in self.moments.at:
                break
        return moment, folder, run

    def try_moment(self, number, kind):
        moment, folder, run = self.interrupt(number, kind)
        problem = 'the moment did not come' if run.event is None else self.check_left(run, folder, number)
        if not problem and run.status in (130, 143):
            problem = self.check_step(run, folder, kind)
        if not problem and run.status != 0:
            problem = self.finish(folder)
        problem = problem or self.compare(folder)
        if problem:
            sys.exit(f'{number.name} {kind} (MOMENT="{" ".join(map(str, moment))}", seed {self.options.seed}, in {folder}): {problem}')
        self.counts[number.name] += 1

    def try_delay(self, number):
        delay = self.chance.uniform(0, self.duration)
        folder = self.fresh('run')
        run = Run(self.options, folder, delayed=(number, delay))
        # 0: it came too late. The signal's own number: it came before the program began.
        problem = f'the status is {run.status}' if run.status not in (STATUS[number], 0, -number) else None
        if not problem and run.status != 0:
            problem = self.finish(folder)
        problem = problem or self.compare(folder)
        if problem:
            sys.exit(f'{number.name} after {delay:.4f} s (in {folder}): {problem}')
        self.counts['delayed'] += 1

    def run(self):
        kinds = itertools.cycle(self.moments.kinds())
        for _ in range(self.options.kills):
            self.try_moment(signal.SIGKILL, next(kinds))
        pairs = itertools.cycle(itertools.product(self.moments.kinds(), (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)))
        for _ in range(self.options.signals):
            kind, number = next(pairs)
            self.try_moment(number, kind)
        for _, number in zip(range(self.options.delays), itertools.cycle(STATUS)):
            self.try_delay(number)
        if self.counts['abandoned'] == 0:
            sys.exit('no signal came in time to abandon a step')
        counts = self.counts
        print(f'{counts["SIGKILL"]} kills and {counts["SIGINT"]} SIGINT, {counts["SIGTERM"]} SIGTERM, {counts["SIGUSR1"]} SIGUSR1: the same bytes as without')
        if counts['delayed']:
            print(f'{counts["delayed"]} signals after a random time: the same bytes as without')
        print(f'{counts["abandoned"]} steps abandoned, {counts["ended"]} in their last stage; {counts["stopped again"]} resumed runs stopped again; '
              f'left within {self.slowest:.2f} s')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program', type=os.path.abspath)
    parser.add_argument('data', type=os.path.abspath)
    parser.add_argument('library', type=os.path.abspath)
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--signals', type=int, default=60)
    parser.add_argument('--delays', type=int, default=0)
    parser.add_argument('--seed', type=int, default=1)
    Driver(parser.parse_args()).run()


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks a trace that `bench --trace` wrote.

usage: check_trace.py FILE KERNEL…      the kernels of a step, in order
"""
import json
import sys

events = json.load(open(sys.argv[1]))['traceEvents']
kernels = sys.argv[2:]
rows = {event['tid']: event['args']['name'] for event in events if event['ph'] == 'M'}
spans = [event for event in events if event['ph'] == 'X']
assert len(spans) + len(rows) == len(events)


def of_kind(kind):
    return sorted((event for event in spans if event['cat'] == kind), key=lambda event: event['ts'])


def inside(inner, outer):
    slack = 1e-3    # microseconds: numbers are rounded
    return outer['ts'] - slack <= inner['ts'] and inner['ts'] + inner['dur'] <= outer['ts'] + outer['dur'] + slack


steps = of_kind('step')
assert [step['name'] for step in steps] == ['step 1', 'step 2', 'step 3'], steps
assert [kernel['name'] for kernel in of_kind('kernel')] == 3 * kernels, of_kind('kernel')
for number, kernel in enumerate(of_kind('kernel')):
    assert inside(kernel, steps[number // len(kernels)]), kernel
    assert kernel['args']['template'], kernel
assert all(rows[event['tid']].endswith('steps and kernels') for event in steps + of_kind('kernel'))
tasks = of_kind('task')
assert tasks and all(rows[task['tid']].startswith('thread ') for task in tasks), rows
assert all(any(inside(task, step) for step in steps) for task in tasks)

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a kernel should reach: a share of what the machine allows, which is the slower one of computing and of moving bytes."""
import dataclasses
import re

NEGLIGIBLE_US = 1.0     # a kernel that takes less is bound by its call, and no part of a network's time
MEMORY_BOUND = 0.80     # of the bandwidth of the level where the data lies
COMPUTE_BOUND = 0.85    # of the peak
FORWARD = 0.92          # of the peak, for the convolutions that most networks are made of
WINOGRAD = 2.2          # of the peak, counted as if summed directly, with 64 and 128 channels
WHOLE_CHANNELS = 64     # as many channels as FORWARD and WINOGRAD need
SMALL_MAP = 7

CONVOLUTION = re.compile(r'(?P<kernel>\d+)x\d+(?:/\d+)? (?P<channels>\d+)-(?P<filters>\d+) (?P<size>\d+)x')


@dataclasses.dataclass(frozen=True)
class Verdict:
    share: float            # of what bounds it
    goal: float | None      # None: nothing is asked of it

    @property
    def is_short(self):
        return self.goal is not None and self.share < self.goal


def compute_goal(case, template, forward):
    """The share of the peak that is asked of a template in this case; None where Winograd's transforms outweigh what it saves."""
    shape = CONVOLUTION.search(case)
    if 'winograd' in template:
        asked = forward and shape and shape['channels'] == shape['filters'] and int(shape['channels']) in (64, 128)
        return WINOGRAD if asked else None
    if shape and forward and int(shape['kernel']) in (1, 3) and int(shape['size']) > SMALL_MAP and 'first' not in case \
            and all(int(shape[name]) >= WHOLE_CHANNELS and int(shape[name]) % WHOLE_CHANNELS == 0 for name in ('channels', 'filters')):
        return FORWARD
    return COMPUTE_BOUND


def judge(case, kernel):
    """`kernel`: one of `bench --json`, with `forward` beside."""
    share = kernel['bound_us'] / kernel['time_us'] if kernel['time_us'] > 0 else 0.0
    if kernel['time_us'] < NEGLIGIBLE_US:
        return Verdict(share, None)
    if kernel['bound'] == 'compute':
        return Verdict(share, compute_goal(case, kernel['op'], kernel['forward']))
    return Verdict(share, MEMORY_BOUND)

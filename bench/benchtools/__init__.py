# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the benchmarks in Python share: the machine, built programs, stored measurements, plots."""

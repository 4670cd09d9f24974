// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Other legal schedules than the rules choose, drawn from a number: what the templates are tested with. Private to schedule.
#pragma once
#include "schedule/legal.h"

namespace cnnc {

/// A legal schedule for the kernel, whose own one is the rule's: often another template, with parameters from all of their
/// range. Equal kernels get equal schedules for equal numbers.
Schedule varied_schedule(const LegalSchedules& legal, const Kernel& kernel, uint64_t variation);

/// A number from 0 to `count` - 1 that depends on the variation and on what is asked about.
uint64_t varied_choice(uint64_t variation, std::string_view about, uint64_t count);

}  // namespace cnnc

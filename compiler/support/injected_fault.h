// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faults for tests: what the compiler does when its own code, Halide or LLVM fails is tested by failing on purpose.
// CNNC_TEST_FAULT=PLACE:KIND makes inject_fault("PLACE") fail; KIND is throw, abort, fault, memory or hang.
// Tests: test/driver/internal_errors.test
#pragma once
#include <string_view>

namespace cnnc {

/// Does nothing, unless the environment asks for a fault in this place.
void inject_fault(std::string_view place);

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the compiler accepts at most. Each limit is checked where the input arrives and refused with a diagnostic that
// names it, so that no input exhausts the stack or the memory.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cnnc::limits {

/// Bytes of one source file.
inline constexpr size_t kMaximumSourceBytes = size_t{16} << 20;
/// How deep brackets and expressions may be nested: the AST's depth, so each recursion over it is bounded by this.
inline constexpr int kMaximumNesting = 500;
/// Letters of one name. Longer ones are no names that a person reads.
inline constexpr size_t kMaximumNameBytes = 200;

}  // namespace cnnc::limits

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What every fuzz target is: a function NAME(bytes) in NAME.cpp that gives any bytes to a reader and tells whether they were
// accepted. Whatever the bytes are, the reader must not crash, leak, hang, or take memory out of proportion; what it accepts must
// hold together, which the target checks with `require`.
#pragma once
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cnnc::fuzz {

using Bytes = std::span<const std::byte>;

#define TARGET(name) bool name(Bytes bytes);
#include "fuzz/targets.inc"
#undef TARGET

/// The bytes as a text.
inline std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Throws where what a reader accepted does not hold together; the fuzzer takes that for a crash.
inline void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(std::string("not so: ") + what);
}

}  // namespace cnnc::fuzz

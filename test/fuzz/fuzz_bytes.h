// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the fuzz targets share: the input as bytes, and running a reader that may refuse it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "runtime/formats/error.h"

namespace cnnc::formats {

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// Runs the action; a FormatError is a fine result.
template <class Action>
void allow_refusal(Action action) {
  try {
    action();
  } catch (const FormatError&) {
  }
}

/// A broken expectation is reported as a crash.
inline void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace cnnc::formats

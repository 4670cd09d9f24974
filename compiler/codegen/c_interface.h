// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Facts that the C header (text) and the C entry points (code) must agree on, in one place. Private to codegen.
#pragma once
#include <string>
#include <vector>

#include "codegen/codegen.h"

namespace cnnc {

/// What the entry points return; texts are what NAME_status_text gives.
struct CStatus {
  const char* name;
  const char* text;
};
inline constexpr CStatus kCStatuses[] = {
    {"OK", "done"},
    {"STOPPED", "stopped by the context's flag"},
    {"NULL_POINTER", "a pointer is null"},
    {"MISALIGNED", "a buffer is not aligned to 64 bytes"},
    {"BATCH", "the batch is below 1 or too large"},
    {"WORKSPACE", "the workspace is too small"},
    {"OVERLAP", "a buffer that is written overlaps another one"},
};
enum CStatusCode : int { kOk, kStopped, kNullPointer, kMisaligned, kBadBatch, kSmallWorkspace, kOverlap };

/// Images in one call: the kernels count in 32 bits, elements of the largest value included.
int64_t largest_batch(const ProgramParts& parts);

/// The plan of a function of the program; it must exist.
const FunctionPlan& find_plan(const ProgramParts& parts, const std::string& name);

/// NAME_prepare's buffer: the prepared weights, then the workspace that `prepare` needs itself.
int64_t prepared_buffer_bytes(const ProgramParts& parts);

}  // namespace cnnc

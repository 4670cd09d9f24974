// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Replays a step kernel by kernel. Only infinities and the processor's own quiet NaN count: a workspace also holds indices and
// masks, whose bits may look like other NaNs.
#include "runtime/program/non_finite.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "runtime/settings/words.h"

namespace cnnc::runtime {
namespace {

struct Memory {
  const std::byte* begin;
  uint64_t bytes;
};

struct Search {
  std::vector<Memory> written;   // all that kernels write: workspace, results, gradients
  bool is_double;
  int32_t kernel = -1;
};

template <typename Word>
bool holds_any(const std::byte* bytes, uint64_t count, Word infinity, Word quiet_nan) {
  constexpr Word kSign = Word{1} << (sizeof(Word) * 8 - 1);
  for (uint64_t i = 0; i + sizeof(Word) <= count; i += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes + i, sizeof word);
    word &= static_cast<Word>(~kSign);
    if (word == infinity || word == quiet_nan) return true;
  }
  return false;
}

bool not_finite(const Memory& memory, bool is_double) {
  return is_double ? holds_any<uint64_t>(memory.begin, memory.bytes, 0x7FF0000000000000u, 0x7FF8000000000000u)
                   : holds_any<uint32_t>(memory.begin, memory.bytes, 0x7F800000u, 0x7FC00000u);
}

void search_after_kernel(void* profile, int32_t kernel) {
  Search& search = *static_cast<Search*>(profile);
  if (search.kernel >= 0) return;
  for (const Memory& memory : search.written)
    if (not_finite(memory, search.is_double)) search.kernel = kernel;
}

bool is_float(const cnn_column& column) { return column.element == CNN_F32 || column.element == CNN_F64; }

/// Runs the step again and stops to look after each kernel. What it writes starts as zeros.
int32_t first_non_finite_kernel(const NonFiniteCase& c) {
  FunctionCall& call = c.step.gradients();
  const auto batch = static_cast<int64_t>(c.samples.size());
  Search search{{}, c.session.program->element == CNN_F64};
  const auto watch = [&](void* begin, uint64_t bytes) {
    std::memset(begin, 0, bytes);
    search.written.push_back({static_cast<const std::byte*>(begin), bytes});
  };
  watch(c.workspace, workspace_bytes(call.function(), batch));
  watch(c.model.gradients, c.model.weight_bytes());
  for (size_t i = 0; i < call.columns().size(); ++i) {
    const cnn_column& column = call.columns()[i];
    if ((column.role == CNN_LOSS || column.role == CNN_OUTPUT) && is_float(column))
      watch(call.column(static_cast<int32_t>(i)), static_cast<uint64_t>(column.elements * batch) * element_bytes(column.element));
  }
  cnn_context context = c.session.context;
  context.kernel_done = search_after_kernel;
  context.profile = &search;
  call.call(batch, c.workspace, context);
  return search.kernel;
}

std::string value_text(double value) { return std::isnan(value) ? "nan" : settings::number_text(value); }

}  // namespace

std::string explain_non_finite(const NonFiniteCase& c) {
  const cnn_program& program = *c.session.program;
  const bool loss_broken = !std::isfinite(c.step.mean_loss());
  const cnn_tensor* gradient = find_non_finite(c.model.weight_tensors(), program.element, c.model.gradients);
  std::string out = loss_broken ? "the loss is not finite (" + value_text(c.step.mean_loss()) + ")"
                                : "the gradient of `" + std::string(gradient ? gradient->name : "the weights") + "` is not finite";
  if (const cnn_tensor* weight = find_non_finite(c.model.weight_tensors(), program.element, c.model.weights))
    return out + "; the weights `" + weight->name + "` are not finite since an earlier step";

  const cnn_function& gradients = c.step.gradients().function();
  const int32_t index = first_non_finite_kernel(c);
  if (index >= 0 && index < gradients.kernel_count) {
    const cnn_kernel& kernel = gradients.kernels[index];
    out += "; the first value that is not finite came out of `" + std::string(kernel.name) + "` (" + kernel.op + ")";
    if (*kernel.source) out += " at " + std::string(kernel.source);
  }
  return out;
}

}  // namespace cnnc::runtime

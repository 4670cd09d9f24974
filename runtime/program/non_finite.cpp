// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Replays a step kernel by kernel. Only infinities and the processor's own quiet NaN count: a workspace also holds indices and
// masks, whose bits may look like other NaNs.
#include "runtime/program/non_finite.h"

#include <cmath>
#include <cstring>

#include "runtime/settings/words.h"

namespace cnnc::runtime {
namespace {

struct Search {
  const std::byte* workspace;
  uint64_t bytes;
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

void search_after_kernel(void* profile, int32_t kernel) {
  Search& search = *static_cast<Search*>(profile);
  if (search.kernel >= 0) return;
  const bool found = search.is_double
      ? holds_any<uint64_t>(search.workspace, search.bytes, 0x7FF0000000000000u, 0x7FF8000000000000u)
      : holds_any<uint32_t>(search.workspace, search.bytes, 0x7F800000u, 0x7FC00000u);
  if (found) search.kernel = kernel;
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

  FunctionCall& call = c.step.gradients();
  const auto batch = static_cast<int64_t>(c.samples.size());
  Search search{static_cast<const std::byte*>(c.workspace), workspace_bytes(call.function(), batch), program.element == CNN_F64};
  std::memset(c.workspace, 0, search.bytes);
  cnn_context context = c.session.context;
  context.kernel_done = search_after_kernel;
  context.profile = &search;
  call.call(batch, c.workspace, context);
  if (search.kernel >= 0 && search.kernel < call.function().kernel_count) {
    const cnn_kernel& kernel = call.function().kernels[search.kernel];
    out += "; the first value that is not finite came out of `" + std::string(kernel.name) + "` (" + kernel.op + ")";
  }
  return out;
}

}  // namespace cnnc::runtime

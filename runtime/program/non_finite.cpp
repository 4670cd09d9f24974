// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Replays a step kernel by kernel. Only infinities and the processor's own quiet NaN count: a workspace also holds indices and
// masks, whose bits may look like other NaNs.
#include "runtime/program/non_finite.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "runtime/program/failure.h"
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
  watch(c.model.next_states, c.model.state_bytes());
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

/// ", of the layer at net.cnn:4:8": of a weight, by the first kernel that computes with its layer, "dense1" of "dense1.weight".
std::string place_of_layer(const cnn_function& function, std::string_view weight) {
  const std::string layer = "+" + std::string(weight.substr(0, weight.rfind('.'))) + "+";
  for (const cnn_kernel& kernel : std::span(function.kernels, static_cast<size_t>(function.kernel_count)))
    if (("+" + std::string(kernel.name) + "+").find(layer) != std::string::npos && *kernel.source) return ", of the layer at " + std::string(kernel.source);
  return {};
}

/// What was found, without where it came from; empty where only the update can have done it.
std::string symptom(const NonFiniteCase& c) {
  const int32_t element = c.session.program->element;
  if (!std::isfinite(c.step.mean_loss())) return "the loss is not finite (" + value_text(c.step.mean_loss()) + ")";
  if (const cnn_tensor* gradient = find_non_finite(c.model.weight_tensors(), element, c.model.gradients))
    return "the gradient of `" + std::string(gradient->name) + "` is not finite";
  if (!std::isfinite(c.step.gradient_norm())) return "the norm of all gradients is not finite, although each of them is";
  if (const cnn_tensor* state = find_non_finite(c.model.state_tensors(), element, c.model.next_states))
    return "the running statistics `" + std::string(state->name) + "` are not finite";
  return {};
}

}  // namespace

std::optional<BrokenNumbers> find_broken_numbers(const Model& model, const cnn_recipe& recipe) {
  const auto search = [&](const std::string& what, std::span<const cnn_tensor> tensors, const void* buffer) -> std::optional<BrokenNumbers> {
    const cnn_tensor* tensor = find_non_finite(tensors, model.program->element, buffer);
    if (!tensor) return std::nullopt;
    return BrokenNumbers{what + " `" + tensor->name + "`", tensor->name};
  };
  if (const auto broken = search("the weights", model.weight_tensors(), model.weights)) return broken;
  if (const auto broken = search("the running statistics", model.state_tensors(), model.states)) return broken;
  for (int32_t m = 0; m < recipe.moment_count; ++m) {
    const std::string what = "the `" + std::string(recipe.moment_names[m]) + "` that the optimizer keeps for";
    if (const auto broken = search(what, model.weight_tensors(), model.moment(m))) return broken;
  }
  return std::nullopt;
}

std::string explain_non_finite(const NonFiniteCase& c) {
  const cnn_function& gradients = c.step.gradients().function();
  std::string out = symptom(c);
  if (out.empty()) {
    const auto broken = find_broken_numbers(c.model, *c.session.recipe);
    if (!broken) throw Failure(kInternalError, "a step found a value that is not finite, and nobody finds it again");
    return "the update by `" + c.session.settings.optimizer.name + "` made " + broken->text + " not finite" + place_of_layer(gradients, broken->tensor);
  }
  const int32_t index = first_non_finite_kernel(c);
  if (index >= 0 && index < gradients.kernel_count) {
    const cnn_kernel& kernel = gradients.kernels[index];
    out += "; the first value that is not finite came out of `" + std::string(kernel.name) + "` (" + kernel.op + ")";
    if (*kernel.source) out += " at " + std::string(kernel.source);
  }
  return out;
}

}  // namespace cnnc::runtime

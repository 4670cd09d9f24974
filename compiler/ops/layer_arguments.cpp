// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arguments and checks that layers share. Tests: test/ops/layers.cpp.
#include "ops/layer_arguments.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/check.h"
#include "support/limits.h"

namespace cnnc {
namespace {

template <class T>
const T& typed(const LayerContext& context, std::string_view name) {
  const T* value = std::get_if<T>(&context.argument(name));
  CNNC_CHECK(value, fmt::format("argument `{}` is missing or of another kind", name));
  return *value;
}

/// "5x5", or "5" where both are equal and one number says it.
std::string square_or_pair(int64_t height, int64_t width) {
  return height == width ? fmt::format("{}", height) : fmt::format("[{}, {}]", height, width);
}

void report_window_does_not_fit(LayerContext& context, ValueId value, const Window& window) {
  const Dims& image = context.type(value).dims;
  const auto needed = [&](size_t axis) {
    return std::max<int64_t>(window.dilation[axis] * (window.kernel[axis] - 1) + 1 - window.pad[axis] - window.pad[axis + 2], 1);
  };
  const auto largest = [&](size_t axis) {
    return (image[axis + 1] + window.pad[axis] + window.pad[axis + 2] - 1) / window.dilation[axis] + 1;
  };
  Diagnostic& error = context.error(
      DiagnosticKind::ShapeMismatch, fmt::format("`{}` needs an input of at least {}x{}, but its input is {}",
                                                 context.call_text(), needed(0), needed(1), shape_text(image)));
  context.note_origin(error, value);
  error.help(fmt::format("use `pad: same`, or a kernel of at most {}", square_or_pair(largest(0), largest(1))));
}

}  // namespace

ValueId tensor_argument(const LayerContext& context, std::string_view name) { return typed<ValueId>(context, name); }
const std::vector<ValueId>& tensors_argument(const LayerContext& context, std::string_view name) {
  return typed<std::vector<ValueId>>(context, name);
}
int64_t integer_argument(const LayerContext& context, std::string_view name) { return typed<int64_t>(context, name); }
double number_argument(const LayerContext& context, std::string_view name) { return typed<double>(context, name); }
bool boolean_argument(const LayerContext& context, std::string_view name) { return typed<bool>(context, name); }
const std::string& word_argument(const LayerContext& context, std::string_view name) {
  return typed<std::string>(context, name);
}
const Dims& size_argument(const LayerContext& context, std::string_view name) { return typed<Dims>(context, name); }

Dims padding_argument(const LayerContext& context, const Window& window, const Dims& image) {
  const Padding& padding = typed<Padding>(context, "pad");
  if (!padding.same) return {padding.top, padding.left, padding.bottom, padding.right};
  Dims pad(4);
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t extent = image[axis + 1], stride = window.stride[axis];
    const int64_t outputs = (extent + stride - 1) / stride;
    const int64_t total =
        std::max<int64_t>((outputs - 1) * stride + window.dilation[axis] * (window.kernel[axis] - 1) + 1 - extent, 0);
    pad[axis] = total / 2;
    pad[axis + 2] = total - total / 2;
  }
  return pad;
}

bool require_float(LayerContext& context, ValueId value) {
  if (is_float(context.type(value).element)) return true;
  Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch,
                                    fmt::format("`{}` computes with real numbers, but its input holds whole numbers (labels)",
                                                context.call_text()));
  context.note_origin(error, value);
  return false;
}

bool require_feature_map(LayerContext& context, ValueId value) {
  if (!require_float(context, value)) return false;
  const Dims& dims = context.type(value).dims;
  if (dims.size() == 3) return true;
  Diagnostic& error = context.error(
      DiagnosticKind::ShapeMismatch, fmt::format("`{}` needs a feature map [channels, height, width], but its input is {}",
                                                 context.call_text(), shape_text(dims)));
  context.note_origin(error, value);
  error.help(dims.size() == 1 ? "move it before `flatten`, or give the value three dimensions with `reshape`"
                              : "give the value three dimensions with `reshape`");
  return false;
}

bool require_size(LayerContext& context, const Dims& dims) {
  if (dims_fit(dims)) return true;
  if (dims.size() > limits::kMaximumRank) {
    context.error(DiagnosticKind::ShapeMismatch, fmt::format("`{}` would make a tensor of {} dimensions; the limit is {}", context.call_text(),
                                                             dims.size(), limits::kMaximumRank));
    return false;
  }
  const bool too_long = std::any_of(dims.begin(), dims.end(), [](int64_t extent) { return extent >= limits::kMaximumExtent; });
  context.error(DiagnosticKind::ShapeMismatch,
                fmt::format("`{}` would make a tensor of {}, which is {}", context.call_text(), shape_text(dims),
                            too_long ? "2^31 or more in one dimension" : "2^40 elements or more"));
  return false;
}

std::optional<Dims> require_window(LayerContext& context, ValueId value, const Window& window) {
  const auto result = window_dims(window, context.type(value).dims);
  if (!std::holds_alternative<Dims>(result)) {
    report_window_does_not_fit(context, value, window);
    return {};
  }
  for (size_t axis = 0; axis < 2; ++axis) {
    // A kernel of 1 is how people shrink on purpose: the shortcut of a residual network.
    const int64_t extent = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
    if (window.kernel[axis] == 1 || window.stride[axis] <= extent) continue;
    context
        .warning(DiagnosticKind::SkippedPixels, fmt::format("`{}` skips pixels: its stride {} is larger than its kernel {}",
                                                            context.call_text(), window.stride[axis], window.kernel[axis]))
        .help(fmt::format("use a stride of at most {}", extent));
    break;
  }
  return std::get<Dims>(result);
}

bool require_class_labels(LayerContext& context, ValueId output, ValueId label) {
  if (!require_float(context, output)) return false;
  const TensorType& scores = context.type(output);
  const TensorType& classes = context.type(label);
  if (scores.dims.empty()) {
    Diagnostic& error = context.error(DiagnosticKind::ShapeMismatch,
                                      fmt::format("`{}` needs one score a class, but the output is a single number", context.call_text()));
    context.note_origin(error, output);
    error.help("end the network in `dense(2)` for two classes, or use the loss `bce_with_logits`");
    return false;
  }
  const Dims wanted(scores.dims.begin() + 1, scores.dims.end());
  if (classes.element == ElementType::I32 && classes.dims == wanted) return true;
  Diagnostic& error = context.error(
      DiagnosticKind::ShapeMismatch,
      classes.element == ElementType::I32
          ? fmt::format("`{}` needs labels of {} for the output {}, but they are {}", context.call_text(), shape_text(wanted),
                        shape_text(scores.dims), shape_text(classes.dims))
          : fmt::format("`{}` needs class numbers, whole numbers from 0, as labels", context.call_text()));
  context.note_origin(error, output);
  return false;
}

std::vector<ArgumentDef> pool_arguments(std::string_view padding_doc) {
  return {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a feature map [channels, height, width]"},
          {.name = "kernel", .kind = ArgumentKind::Size, .doc = "size of the window", .minimum = 1, .maximum = 1 << 15},
          {.name = "stride", .kind = ArgumentKind::Size, .doc = "step of the window; the kernel's size unless given",
           .default_text = "kernel", .minimum = 1, .maximum = 1 << 15},
          {.name = "pad", .kind = ArgumentKind::Padding, .doc = padding_doc, .default_text = "valid", .minimum = 0, .maximum = 1 << 14},
          {.name = "ceil", .kind = ArgumentKind::Boolean, .doc = "also a last window that reaches over the end, where it begins inside",
           .default_text = "false"}};
}

std::optional<Window> pool_window(LayerContext& context, ValueId x) {
  Window window{.kernel = size_argument(context, "kernel"),
                .stride = size_argument(context, "stride"),
                .pad = {0, 0, 0, 0},
                .ceil = boolean_argument(context, "ceil")};
  window.pad = padding_argument(context, window, context.type(x).dims);
  if (auto complaint = check_pool_padding(window)) {
    context.error_at("pad", DiagnosticKind::LayerArgument, fmt::format("`{}`: {}", context.call_text(), *complaint))
        .help("a window would see nothing of the image; make the padding smaller or the kernel larger");
    return {};
  }
  if (!require_window(context, x, window)) return {};
  return window;
}

ValueId add_map(LayerContext& context, const ScalarExpression& expression, std::vector<ValueId> operands) {
  return context.add("map", std::move(operands), {{"f", expression}}).at(0);
}

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `filter`: a constant kernel applied to every channel, not learned. It builds a `conv` with one group a channel whose weight
// is a constant; there is no op of its own.
#include <fmt/format.h>

#include "ops/layer_arguments.h"
#include "ops/shape_rules.h"

namespace cnnc {
namespace {

constexpr int64_t kMaximumKernel = 1024;

std::vector<ValueId> build_filter(LayerContext& context) {
  const ValueId x = tensor_argument(context, "x");
  if (!require_feature_map(context, x)) return {};
  const ConstantTable& table = std::get<ConstantTable>(context.argument("kernel"));
  if (table.dims.size() != 2 || table.dims[0] > kMaximumKernel || table.dims[1] > kMaximumKernel) {
    context
        .error_at("kernel", DiagnosticKind::ShapeMismatch,
                  fmt::format("`filter` needs a table of rows for its kernel, at most {0}x{0}, but this one is {1}",
                              kMaximumKernel, shape_text(table.dims)))
        .help("write it as `[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]`");
    return {};
  }
  const Dims image = context.type(x).dims;
  Window window{.kernel = table.dims, .stride = size_argument(context, "stride"), .pad = {0, 0, 0, 0}};
  window.pad = padding_argument(context, window, image);
  if (!require_window(context, x, window)) return {};

  Numbers values;
  for (int64_t channel = 0; channel < image[0]; ++channel)
    values.insert(values.end(), table.numbers.begin(), table.numbers.end());
  const ValueId weight =
      context.add("constant", {}, {{"dims", Dims{image[0], 1, table.dims[0], table.dims[1]}},
                                   {"values", values},
                                   {"element", std::string(element_name(context.float_type()))}}).at(0);
  return context.add("conv", {x, weight}, {{"stride", window.stride}, {"pad", window.pad}, {"groups", image[0]},
                                           {"flip", boolean_argument(context, "flip")}});
}

}  // namespace

std::vector<OpDef> filter_ops() { return {}; }

std::vector<LayerDef> filter_layers() {
  return {{
      .name = "filter",
      .doc = "A constant kernel, applied to every channel by itself: edges, blurs, differences. It has no weights and learns nothing; "
             "gradients pass through it. As in `conv` the kernel is laid onto the picture as it is written; `flip: true` turns it around.",
      .arguments = {{.name = "x", .kind = ArgumentKind::Tensor, .doc = "a feature map [channels, height, width]"},
                    {.name = "kernel", .kind = ArgumentKind::Table, .doc = "the numbers, row by row"},
                    {.name = "stride", .kind = ArgumentKind::Size, .doc = "step of the window", .default_text = "1", .minimum = 1,
                     .maximum = 1 << 15},
                    {.name = "pad", .kind = ArgumentKind::Padding, .doc = "zeros around the image: `valid`, `same` or numbers",
                     .default_text = "valid", .minimum = 0, .maximum = 1 << 15},
                    {.name = "flip", .kind = ArgumentKind::Boolean, .doc = "true convolution f(x) g(n - x) instead of correlation",
                     .default_text = "false"}},
      .build = build_filter,
      .example = "photo -> filter([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], pad: same)",
  }};
}

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the builders of layers share: arguments by type, checks that report to the user, padding in numbers.
#pragma once
#include <optional>
#include <string>

#include "ir/layer.h"
#include "ops/shape_rules.h"

namespace cnnc {

ValueId tensor_argument(const LayerContext& context, std::string_view name);
const std::vector<ValueId>& tensors_argument(const LayerContext& context, std::string_view name);
int64_t integer_argument(const LayerContext& context, std::string_view name);
double number_argument(const LayerContext& context, std::string_view name);
bool boolean_argument(const LayerContext& context, std::string_view name);
const std::string& word_argument(const LayerContext& context, std::string_view name);
/// A Size: [vertical, horizontal].
const Dims& size_argument(const LayerContext& context, std::string_view name);

/// [top, left, bottom, right] of the argument `pad` for a window on [channels, height, width]: `same` gives
/// ceil(n / stride) outputs, the odd extra row or column goes to the end.
Dims padding_argument(const LayerContext& context, const Window& window, const Dims& image);

/// Reports unless the value is a feature map [channels, height, width] of floats.
bool require_feature_map(LayerContext& context, ValueId value);
/// Reports unless the value holds floats (labels hold whole numbers).
bool require_float(LayerContext& context, ValueId value);
/// Reports when a result of these dimensions would be too large to exist.
bool require_size(LayerContext& context, const Dims& dims);
/// Reports a window that does not fit into the image, and warns of one that skips pixels. Gives the result's dimensions.
std::optional<Dims> require_window(LayerContext& context, ValueId value, const Window& window);

/// Reports unless the label holds class numbers that fit the output: one for [classes], one a pixel for [classes, H, W].
bool require_class_labels(LayerContext& context, ValueId output, ValueId label);

/// The arguments x, kernel, stride, pad, ceil of a pool, and their window; reports what does not fit.
std::vector<ArgumentDef> pool_arguments(std::string_view padding_doc);
std::optional<Window> pool_window(LayerContext& context, ValueId x);

/// map(operands) {f = expression}; the first result.
ValueId add_map(LayerContext& context, const ScalarExpression& expression, std::vector<ValueId> operands);

}  // namespace cnnc

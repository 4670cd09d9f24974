// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions that exist only when compiling. To add one: a function here and a line in the table.
#include "sema/builtins.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "sema/evaluator.h"
#include "support/limits.h"

namespace cnnc::sema {
namespace {

/// The dimensions of the call's argument; nothing (reported) unless it is a tensor of at least `rank` dimensions.
std::optional<Dims> tensor_dims(Evaluator& evaluator, const Call& call, size_t rank) {
  const EvaluatedArgument& argument = call.arguments.at(0);
  if (argument.value.poisoned()) return std::nullopt;
  const ValueId* tensor = argument.value.as<ValueId>();
  if (!tensor) {
    evaluator.wrong_type(argument.range, fmt::format("`{}` needs a tensor, but `{}` is {}", evaluator.text(call.range),
                                                     evaluator.text(argument.range), evaluator.describe(argument.value)));
    return std::nullopt;
  }
  const Dims dims = evaluator.construction().graph.type(*tensor).dims;
  if (dims.size() >= rank) return dims;
  Diagnostic& error = evaluator.reporter().error(DiagnosticKind::ShapeMismatch, call.range,
                                                 fmt::format("`{}` needs {}, but its input is {}", evaluator.text(call.range),
                                                             rank == 1 ? "a list of numbers" : "channels, height and width", shape_text(dims)));
  evaluator.note_origin(error, *tensor);
  return std::nullopt;
}

Value size_at(Evaluator& evaluator, const Call& call, size_t rank, size_t axis) {
  const auto dims = tensor_dims(evaluator, call, rank);
  return dims ? Value{static_cast<double>((*dims)[axis])} : Value{};
}
Value channels(Evaluator& evaluator, const Call& call) { return size_at(evaluator, call, 1, 0); }
Value height(Evaluator& evaluator, const Call& call) { return size_at(evaluator, call, 3, 1); }
Value width(Evaluator& evaluator, const Call& call) { return size_at(evaluator, call, 3, 2); }

Value shape(Evaluator& evaluator, const Call& call) {
  const auto dims = tensor_dims(evaluator, call, 0);
  if (!dims) return {};
  std::vector<Value> sizes;
  for (const int64_t size : *dims) sizes.push_back({static_cast<double>(size)});
  return make_list(std::move(sizes));
}

Value length(Evaluator& evaluator, const Call& call) {
  const EvaluatedArgument& argument = call.arguments.at(0);
  if (argument.value.poisoned()) return {};
  if (const auto items = as_items(argument.value)) return {static_cast<double>(items->size())};
  return evaluator.wrong_type(argument.range, fmt::format("`length` needs a list, but `{}` is {}", evaluator.text(argument.range),
                                                          evaluator.describe(argument.value)));
}

/// A table of equal numbers: `zeros([3, 3])`, `ones(5)`.
Value filled(Evaluator& evaluator, const Call& call, double number) {
  const EvaluatedArgument& argument = call.arguments.at(0);
  if (argument.value.poisoned()) return {};
  const auto sizes = as_table(argument.value);
  Dims dims;
  double count = 1;
  for (const double size : sizes && sizes->dims.size() <= 1 ? sizes->numbers : Numbers{0}) {
    if (!(size >= 1 && size == std::floor(size)))
      return evaluator.wrong_type(argument.range, fmt::format("`{}` needs sizes, as in `zeros([3, 3])`", evaluator.text(call.range)));
    count *= size;
    if (!(count <= static_cast<double>(limits::kMaximumTableNumbers))) {
      evaluator.reporter().error(DiagnosticKind::LimitExceeded, argument.range,
                                 fmt::format("a table has at most {} numbers", limits::kMaximumTableNumbers));
      return {};
    }
    dims.push_back(static_cast<int64_t>(size));
  }
  if (!evaluator.charge(static_cast<int64_t>(count), call.range)) return {};
  return make_table({dims, Numbers(static_cast<size_t>(count), number)});
}
Value zeros(Evaluator& evaluator, const Call& call) { return filled(evaluator, call, 0); }
Value ones(Evaluator& evaluator, const Call& call) { return filled(evaluator, call, 1); }

Value transpose(Evaluator& evaluator, const Call& call) {
  const EvaluatedArgument& argument = call.arguments.at(0);
  if (argument.value.poisoned()) return {};
  const auto table = as_table(argument.value);
  if (!table || table->dims.size() != 2)
    return evaluator.wrong_type(argument.range, fmt::format("`transpose` needs a table with rows and columns, but `{}` is {}",
                                                            evaluator.text(argument.range), evaluator.describe(argument.value)));
  if (!evaluator.charge(static_cast<int64_t>(table->numbers.size()), call.range)) return {};
  const auto rows = static_cast<size_t>(table->dims[0]), columns = static_cast<size_t>(table->dims[1]);
  ConstantTable result{{table->dims[1], table->dims[0]}, Numbers(table->numbers.size())};
  for (size_t row = 0; row < rows; ++row)
    for (size_t column = 0; column < columns; ++column) result.numbers[column * rows + row] = table->numbers[row * columns + column];
  return make_table(std::move(result));
}

constexpr std::array<Builtin, 8> kBuiltins{{
    {"channels", 1, "channels(x)", channels},
    {"height", 1, "height(x)", height},
    {"length", 1, "length(list)", length},
    {"ones", 1, "ones([3, 3])", ones},
    {"shape", 1, "shape(x)", shape},
    {"transpose", 1, "transpose(table)", transpose},
    {"width", 1, "width(x)", width},
    {"zeros", 1, "zeros([3, 3])", zeros},
}};

}  // namespace

std::span<const Builtin> all_builtins() { return kBuiltins; }

const Builtin* find_builtin(std::string_view name) {
  const auto found = std::find_if(kBuiltins.begin(), kBuiltins.end(), [&](const Builtin& builtin) { return builtin.name == name; });
  return found == kBuiltins.end() ? nullptr : &*found;
}

}  // namespace cnnc::sema

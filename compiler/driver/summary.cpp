// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tables of layers and weights. Columns are as wide as their longest entry; numbers have commas between thousands.
#include "driver/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ir/layer_table.h"
#include "support/text.h"

namespace cnnc {
namespace {

using Row = std::vector<std::string>;

/// The first columns are aligned at the left, those of numbers at the right.
std::string table(const std::vector<Row>& rows, size_t left_columns) {
  std::vector<size_t> widths(rows.at(0).size());
  for (const Row& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string result;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (i < left_columns ? row[i] + padding : padding + row[i]);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

std::string start_text(const Initialiser& start) {
  if (start.name == "constant") return fmt::format("constant({})", start.value);
  if (start.name == "uniform" || start.name == "normal") return fmt::format("{}({}, {})", start.name, start.value, start.second);
  return start.name;
}

std::string memory_table(const std::vector<MemoryNeed>& needs) {
  std::vector<Row> rows{{"memory in bytes, besides the data"}};
  for (const MemoryNeed& need : needs) rows[0].push_back(fmt::format("{}, batch {}", need.task, need.batch));
  auto add_row = [&](const std::string& name, auto bytes_of) {
    rows.push_back({name});
    for (const MemoryNeed& need : needs) rows.back().push_back(with_commas(static_cast<double>(bytes_of(need))));
  };
  for (size_t use = 0; use < std::size(kMemoryUses); ++use) add_row(kMemoryUses[use], [&](const MemoryNeed& need) { return need.bytes[use]; });
  add_row("total", [](const MemoryNeed& need) { return need.total(); });
  return table(rows, 1);
}

}  // namespace

std::string with_commas(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  for (auto i = static_cast<ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3) digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

std::string layer_summary(const Module& module, const std::vector<MemoryNeed>& memory) {
  std::vector<Row> rows{{"layer", "output", "parameters", "multiply-adds", "bytes"}};
  double parameters = 0, multiply_adds = 0, bytes = 0, statistics = 0;
  for (const Column& input : module.inputs) rows.push_back({escape_control(input.name), shape_text(input.type.dims), "0", "0",
                                                             with_commas(static_cast<double>(element_count(input.type.dims)) * element_bytes(input.type.element))});
  for (const LayerLine& line : layer_table(module)) {
    rows.push_back({escape_control(line.name), shape_text(line.shape), with_commas(static_cast<double>(line.parameters)), with_commas(line.multiply_adds),
                    with_commas(static_cast<double>(line.bytes))});
    multiply_adds += line.multiply_adds;
    bytes += static_cast<double>(line.bytes);
  }
  for (const Parameter& parameter : module.parameters)
    (parameter.role == Role::Weight ? parameters : statistics) += static_cast<double>(element_count(parameter.type.dims));
  std::vector<Row> totals{{"parameters", with_commas(parameters)},
                          {"statistics, not learned", with_commas(statistics)},
                          {"multiply-adds, one image forward", with_commas(multiply_adds)},
                          {"bytes of all outputs, one image", with_commas(bytes)}};
  return fmt::format("network {}\n\n{}\n{}\n{}", escape_control(module.network), table(rows, 2), table(totals, 1), memory_table(memory));
}

std::string weight_summary(const Module& module) {
  std::vector<Row> rows{{"weight", "shape", "starts as"}};
  for (const Parameter& parameter : module.parameters)
    rows.push_back({escape_control(parameter.name), parameter.type.dims.empty() ? "[]" : to_string(parameter.type.dims), start_text(parameter.initialiser)});
  return rows.size() == 1 ? "no weights\n" : table(rows, 3);
}

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of the templates of convolutions and of their gradients.
#include "ir/op.h"
#include "schedule/legal.h"
#include "schedule/rules.h"

namespace cnnc {
namespace {

constexpr std::string_view kWindows = "tiles are whole windows of the pool";
constexpr std::string_view kWidth = "a tile is no wider than the result";

/// Register tiles of columns by rows by vectors of filters, and a band of them, that are whole windows of a pool, if one follows.
void band_of_tiles(Rules& rules, const ConvNumbers& c, const Target& target) {
  rules.at_most("columns", c.y[2], kWidth);
  rules.at_most("rows", c.y[1], "a tile is no higher than the result");
  rules.registers(tile_registers(rules["blocks"], rules["columns"] * rules["rows"]), target.vector_registers);
  rules.multiple("columns", c.window[1], kWindows);
  for (const std::string_view name : {"rows", "band"}) rules.multiple(name, c.window[0], kWindows);
  rules.at_most("band", c.y[1], "a band is no higher than the result");
  if (rules["band"] < rules["rows"]) rules.complain("band", fmt::format("at least {}, the rows of a tile", rules["rows"]));
}

}  // namespace

std::optional<std::string> LegalSchedules::conv(const Kernel& kernel, const Schedule& schedule) const {
  const ValueId y = graph_.node(kernel.anchor).results[0];
  const ConvNumbers c = convolution_numbers(graph_, kernel);
  const bool lanes = is_lanes(y);
  Rules rules(schedule);
  if (lanes) {
    rules.equals("vector", group_, "vectors hold images");
  } else {
    rules.vector(lanes_of(y));
  }
  rules.at_most("columns", c.y[2] / (lanes ? 1 : rules["vector"]), kWidth);
  rules.divides("filters", c.group_filters(), "filters of a group");
  const Layout& weight = layout(graph_.node(kernel.anchor).operands[1]);
  if (weight.kind == LayoutKind::Packed) rules.equals("filters", weight.tile[1], "so the weights are packed");
  if (lanes) rules.equals("lines", c.window[0], kernel.pool < 0 ? "a tile of images in lanes is one row" : "a tile is as high as the pool's windows");
  rules.multiple("columns", c.window[1], kWindows);
  rules.registers(tile_registers(rules["columns"] * rules["lines"], rules["filters"]), target_.vector_registers);
  rules.divides("rows", c.y[1], "rows of the result");
  rules.divides("lines", rules["rows"], "rows of a band");
  if (!c.has_border() && rules["border"] != 3) rules.equals("border", 0, "no tap leaves the image");
  if (c.has_border() && rules["border"] == 0) {
    if (!lanes || kernel.pool >= 0) rules.complain("border", fmt::format("1 to 3: taps leave the image{}", lanes ? ", and a pool follows" : ""));
    rules.equals("columns", c.y[2], "taps that leave the image are left out of whole rows");
  }
  if (rules["border"] == 1) rules.scratch(c.band_bytes(rules["rows"], c.x[0], bytes_of(y)), lanes ? kLargestLaneBytes : kLargestScratchBytes);
  if (rules["border"] == 3) rules.scratch(c.tile_bytes(rules["columns"] * (lanes ? 1 : rules["vector"]), rules["lines"], bytes_of(y)), lanes ? kLargestTileBytes : kLargestScratchBytes);
  if (rules["border"] == 2 && c.groups > 1) rules.equals("filters", 1, "with groups a copy serves one filter");
  return rules.result();
}

std::optional<std::string> LegalSchedules::conv_depthwise(const Node& node, const Schedule& schedule) const {
  const Dims& y = graph_.type(node.results[0]).dims;
  Rules rules(schedule);
  rules.at_most("columns", y[2], kWidth);
  rules.at_most("rows", y[1], "a tile is no higher than the result");
  // The sums, a weight and an operand.
  rules.registers(rules["columns"] * rules["rows"] + 2, target_.vector_registers);
  return rules.result();
}

std::optional<std::string> LegalSchedules::conv_direct(const Kernel& kernel, const Schedule& schedule) const {
  const Node& node = graph_.node(kernel.anchor);
  const ValueId x = node.operands[0], y = node.results[0];
  const ConvNumbers c = conv_numbers(graph_, kernel);
  const bool copies = is_planar(x) && c.has_border();
  Rules rules(schedule);
  rules.equals("blocks", layout(node.operands[1]).tile.at(1), "so the weights are packed");
  band_of_tiles(rules, c, target_);
  rules.equals("border", copies ? 1 : 0, copies ? "taps leave a planar image" : "nothing has to be copied");
  if (copies) rules.scratch(c.band_bytes(rules["band"], c.x[0], element_bytes(graph_.type(x).element)));
  for (const char* name : {"stream", "ahead"})
    if (is_planar(x)) rules.equals(name, 0, "a planar image has no blocks of channels");
  rules.divides("unroll", is_planar(x) ? c.weight[1] : std::min(c.weight[1], layout(y).vector), "channels of the inner loop");
  return rules.result();
}

std::optional<std::string> LegalSchedules::conv_chunks(const Node& node, const Schedule& schedule, bool joins_rows) const {
  const ValueId y = node.results[0];
  const ConvNumbers c = conv_numbers(graph_, node);
  const int64_t vector = layout(y).vector;
  Rules rules(schedule);
  const char* const columns = joins_rows ? "pixels" : "columns";
  const int64_t width = joins_rows ? rules["band"] * c.y[2] : c.y[2], rows = joins_rows ? 1 : rules["band"];
  rules.equals("blocks", layout(node.operands[1]).tile.at(1), "so the weights are packed");
  rules.at_most(columns, width, joins_rows ? "a tile is no larger than a band" : kWidth);
  rules.registers(tile_registers(rules["blocks"], rules[columns]), target_.vector_registers);
  rules.divides("band", c.y[1], "rows of the result");
  rules.divides("chunk", c.x[0] / vector, "blocks of channels");
  rules.divides("unroll", vector, "channels of the inner loop");
  const int64_t pixels = rows * ceil_divide(width, rules[columns]) * rules[columns];
  rules.scratch(pixels * rules["blocks"] * vector * element_bytes(graph_.type(y).element));
  return rules.result();
}

std::optional<std::string> LegalSchedules::conv_separable(const Node& node, const Schedule& schedule) const {
  const ValueId y = node.results[0];
  const ConvNumbers c = conv_numbers(graph_, node);
  const int64_t vector = layout(y).vector;
  Rules rules(schedule);
  rules.equals("blocks", layout(node.operands[1]).tile.at(1), "so the weights are packed");
  rules.at_most("across", c.y[2], kWidth);
  band_of_tiles(rules, c, target_);
  rules.registers(rules["across"] + 2, target_.vector_registers);
  rules.divides("unroll", std::min(c.x[0], vector), "channels of the inner loop");
  rules.scratch(separable_band_bytes(c, rules["band"], vector, element_bytes(graph_.type(y).element)));
  return rules.result();
}

std::optional<std::string> LegalSchedules::winograd(const Node& node, const Schedule& schedule) const {
  const bool lanes = is_lanes(node.results[0]);
  const Dims& tile = layout(node.operands[1]).tile;
  const WinogradShape shape = winograd_shape(graph_, node, lanes_of(node.results[0]), lanes, 1);
  const int64_t m = tile[2];
  Rules rules(schedule);
  rules.equals("blocks", tile[1], "so the weights are packed");
  rules.divides("across", shape.tiles_across(m), "tiles of a row");
  rules.divides("band", shape.tiles_down(m), "rows of tiles");
  const int64_t across = rules["across"];
  if (lanes || across < shape.tiles_across(m)) {
    rules.divides("columns", across, "tiles that are transformed together");
  } else {
    rules.at_most("columns", across, "as many tiles are in a row");
  }
  rules.divides("rows", rules["band"], "rows of them");
  int64_t pixels = rules["columns"] * rules["rows"], tiles = across * rules["band"], sums = ceil_divide(across, rules["columns"]) * rules["columns"] * rules["band"];
  if (!lanes) {
    rules.divides("images", rules["group"], "images that are transformed together");
    pixels *= rules["images"], tiles *= rules["group"], sums *= rules["group"];
    if (!graph_.type(node.results[0]).batched) rules.equals("group", 1, "there is no batch");
  }
  rules.registers(lanes ? tile_registers(pixels, rules["blocks"]) : tile_registers(rules["blocks"], pixels), target_.vector_registers);
  rules.scratch(shape.image_bytes(m, tiles), kWinogradLargestImageBytes);
  rules.scratch(shape.product_bytes(m, sums, rules["blocks"]), kWinogradProductBytes);
  if (!lanes && rules["chunk"] > 0 && (shape.inputs < shape.vector || shape.inputs / shape.vector % rules["chunk"] != 0))
    rules.complain("chunk", fmt::format("0, or a divisor of the {} whole blocks of channels", shape.inputs / shape.vector));
  if (!lanes) rules.divides("parts", ceil_divide(shape.outputs, shape.vector * tile[1]), "tiles of filters");
  rules.divides("unroll", lanes ? shape.inputs : std::min(shape.inputs, tile[0]), "channels of the inner loop");
  return rules.result();
}

std::optional<std::string> LegalSchedules::conv_grad_input(const Node& node, const Schedule& schedule) const {
  const ConvNumbers c = conv_numbers(graph_, node);
  Rules rules(schedule);
  rules.divides("channels", c.weight[1], "channels of a group");
  rules.registers(reached_columns(c, rules["columns"]) * rules["channels"] + 2, target_.vector_registers);
  rules.divides("rows", c.x[1], "rows of the result");
  rules.divides("columns", c.x[2], "columns of the result");
  return rules.result();
}

std::optional<std::string> LegalSchedules::conv_grad_weight(const Node& node, const Schedule& schedule) const {
  const ValueId x = node.operands[0];
  const ConvNumbers c = conv_numbers(graph_, node);
  const int64_t taps = c.weight[3];
  Rules rules(schedule);
  rules.divides("filters", c.group_filters(), "filters of a group");
  rules.divides("tiles", c.group_filters() / rules["filters"], "tiles of the filters of a group");
  rules.divides("block", c.weight[1], "channels of a group");
  rules.divides("channels", rules["block"], "channels of a block");
  rules.registers(taps * rules["channels"] * rules["filters"] + rules["filters"] + 1, target_.vector_registers);
  rules.divides("rows", c.y[1], "rows of dy");
  rules.divides("unroll", c.y[2], "columns of dy");
  rules.equals("border", c.has_border() ? 1 : 0, c.has_border() ? "taps leave the image" : "no tap leaves the image");
  if (c.has_border() && c.groups > 1)
    for (const char* name : {"filters", "tiles"}) rules.equals(name, 1, "with groups a copy serves one filter");
  rules.scratch(c.taps() * rules["block"] * rules["filters"] * rules["tiles"] * bytes_of(x), kLargestLaneBytes);
  if (c.has_border()) rules.scratch(c.band_bytes(rules["rows"], rules["block"], bytes_of(x)), kLargestLaneBytes);
  return rules.result();
}

std::optional<std::string> LegalSchedules::winograd_grad_weight(const Node& node, const Schedule& schedule) const {
  const ConvNumbers c = conv_numbers(graph_, node);
  Rules rules(schedule);
  const WinogradWeightTile tile{rules["outputs"], rules["filters"], rules["vectors"], rules["filter_block"], rules["vector_block"], rules["across"], rules["band"], rules["groups"]};
  if (tile.outputs == 3) rules.complain("outputs", "2 or 4");
  rules.divides("filter_block", c.weight[0], "filters");
  rules.divides("vector_block", ceil_divide(c.weight[1], group_), "vectors of channels");
  rules.divides("filters", tile.filter_block, "filters of a block");
  rules.divides("vectors", tile.vector_block, "vectors of a block");
  rules.divides("across", ceil_divide(c.y[2], tile.outputs), "tiles of a row");
  rules.divides("band", ceil_divide(c.y[1], tile.outputs), "rows of tiles");
  rules.registers(tile_registers(tile.vectors, tile.filters), target_.vector_registers);
  rules.scratch(tile.copy_bytes(group_), kWinogradCopyBytes);
  rules.scratch(tile.sum_bytes(group_), kWinogradSumBytes);
  rules.scratch(tile.tile_bytes(group_), kWinogradTileBytes);
  return rules.result();
}

}  // namespace cnnc

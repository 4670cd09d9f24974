// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of each template: what its code in lower/templates relies on.
#include "schedule/legal.h"

#include <fmt/format.h>

#include <bit>

#include "ir/op.h"
#include "schedule/reductions.h"
#include "schedule/templates.h"

namespace cnnc {
namespace {

/// Collects the first complaint about parameters of one schedule.
class Rules {
 public:
  explicit Rules(const Schedule& schedule) : schedule_(schedule) {}

  int64_t operator[](std::string_view name) const { return schedule_.parameters.find(name)->second; }
  void at_most(std::string_view name, int64_t most, std::string_view why) {
    if ((*this)[name] > most) complain(name, fmt::format("at most {}: {}", most, why));
  }
  void divides(std::string_view name, int64_t number, std::string_view what) {
    if (number % (*this)[name] != 0) complain(name, fmt::format("a divisor of the {} {}", number, what));
  }
  void multiple(std::string_view name, int64_t number, std::string_view why) {
    if ((*this)[name] % number != 0) complain(name, fmt::format("a multiple of {}: {}", number, why));
  }
  void equals(std::string_view name, int64_t value, std::string_view why) {
    if ((*this)[name] != value) complain(name, fmt::format("{}: {}", value, why));
  }
  /// Elements of a vector that need not fill a register.
  void vector(int64_t most) {
    if (const int64_t value = (*this)["vector"]; value > most || !std::has_single_bit(static_cast<uint64_t>(value)))
      complain("vector", fmt::format("a power of two up to {}", most));
  }
  void registers(int64_t needed, int64_t there) {
    if (needed > there) complain_whole(fmt::format("its tile needs {} vector registers, the target has {}", needed, there));
  }
  void scratch(int64_t bytes, int64_t most = kLargestScratchBytes) {
    if (bytes > most) complain_whole(fmt::format("its scratch would be {} KB, at most {} KB fit the stack", bytes >> 10, most >> 10));
  }
  void complain(std::string_view name, const std::string& right) {
    if (!complaint_) complaint_ = fmt::format("`{}` of `{}` is {}, here it must be {}", name, schedule_.name, (*this)[name], right);
  }
  void complain_whole(const std::string& message) {
    if (!complaint_) complaint_ = fmt::format("`{}` cannot be used: {}", to_string(schedule_), message);
  }
  std::optional<std::string> result() const { return complaint_; }

 private:
  const Schedule& schedule_;
  std::optional<std::string> complaint_;
};

/// A vector along the innermost dimension of a result in memory, of so many elements.
void vector_along(Rules& rules, const Layout& layout, int64_t extent, int64_t lanes) {
  if (layout.kind == LayoutKind::Lanes) {
    rules.equals("vector", layout.vector, "vectors hold images");
  } else {
    rules.vector(std::min(extent, lanes));
  }
}

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

LegalSchedules::LegalSchedules(const Draft& draft, const PlanContext& context)
    : draft_(draft), graph_(draft.function->graph), target_(context.target), precise_(context.options.precise) {
  for (const Layout& layout : draft.layouts)
    if (layout.kind == LayoutKind::Lanes) group_ = layout.vector;
}

std::vector<std::string_view> LegalSchedules::templates(const Kernel& kernel) const {
  std::vector<std::string_view> found;
  if (draft_.purpose == Purpose::Plain) return {"plain"};
  if (layout(kernel.writes[0]).kind == LayoutKind::Winograd) return {"conv.winograd_weights"};
  const ElementType element = graph_.type(computed_value(graph_, kernel)).element;
  if (kernel.anchor >= 0 && (element == ElementType::F32 || element == ElementType::F64)) {
    const Node& node = graph_.node(kernel.anchor);
    const std::string& op = node.op->name;
    const ValueId x = node.operands[0], y = node.results[0];
    const ValueId second = node.operands.size() > 1 ? node.operands[1] : x;
    if (layout(second).kind == LayoutKind::Winograd) return {is_lanes(y) ? "conv.lanes_winograd" : "conv.winograd"};
    if (op == "conv" && layout(y).kind == LayoutKind::Blocked) {
      if (kernel.depthwise >= 0) return {"conv.separable"};
      const ConvNumbers c = conv_numbers(graph_, node);
      found.push_back(c.is_depthwise() ? "conv.depthwise" : "conv.direct");
      if (kernel.pool < 0 && is_pointwise(c, layout(x))) found.push_back("conv.pointwise");
    }
    if (op == "conv" && is_planar(y) && is_planar(x)) found.push_back("conv.planar");
    if (op == "conv" && is_lanes(y) && is_lanes(x)) found.push_back("conv.lanes");
    if (op == "conv_grad_input" && is_lanes(y) && is_lanes(x)) {
      if (conv_numbers(graph_, node).of_gradient()) found.push_back("conv.lanes");
      found.push_back("conv.lanes_grad_input");
    }
    if (op == "conv_grad_weight" && is_lanes(x) && is_lanes(second)) {
      found.push_back("conv.lanes_grad_weight");
      if (!precise_ && element == ElementType::F32 && allows_winograd(conv_numbers(graph_, node))) found.push_back("conv.lanes_winograd_grad_weight");
    }
    if (op == "dense" && is_lanes(x) && is_lanes(y)) found.push_back("dense.lanes");
    if (op == "dense_grad_input" && is_lanes(x) && is_lanes(y)) found.push_back("dense.lanes_grad_input");
    if (op == "dense_grad_weight" && is_lanes(x) && is_lanes(second)) found.push_back("dense.lanes_grad_weight");
    if (op == "dense" && is_planar(x) && is_planar(y) && is_planar(second)) found.push_back("dense.vector");
    if (op == "dense" && is_planar(x) && is_planar(y) && layout(second).kind == LayoutKind::Packed) found.push_back("dense.packed");
    const auto reduces_lanes = [&] { return std::get<bool>(node.attributes.at("batch")) || (is_lanes(y) && !std::get<Dims>(node.attributes.at("axes")).empty()); };
    if (!kernel.row_nodes.empty()) return {"softmax"};
    if (op == "reduce" && reduction_passes(graph_, kernel).size() > 1) return {"norm.lanes"};
    if (op == "reduce" && is_lanes(x) && reduces_lanes()) found.push_back("reduce.lanes");
  }
  if (kernel.pool >= 0) return found;
  if (kernel.anchor >= 0 && is_pool(graph_.node(kernel.anchor))) found.push_back("pool");
  found.push_back("elementwise");
  // The new weights may lie in the memory of the old ones: `elementwise` reads all of a step before it writes.
  if (draft_.purpose != Purpose::Update) found.push_back("plain");
  return found;
}

std::optional<std::string> LegalSchedules::complaint(const Kernel& kernel, const Schedule& schedule) const {
  if (const auto complaint = check_schedule(schedule)) return complaint;
  const auto possible = templates(kernel);
  if (std::find(possible.begin(), possible.end(), schedule.name) == possible.end())
    return fmt::format("`{}` does not compute this kernel; there are {}", schedule.name, fmt::join(possible, ", "));
  const auto is = [&](std::string_view name) { return schedule.name == name; };
  if (is("plain") || is("conv.winograd_weights")) return {};
  if (is("elementwise")) return elementwise(kernel, schedule);
  if (is("pool")) return pool(kernel, schedule);
  const Node& node = graph_.node(kernel.anchor);
  if (is("conv.lanes") || is("conv.planar")) return conv(kernel, schedule);
  if (is("conv.depthwise")) return conv_depthwise(node, schedule);
  if (is("conv.direct")) return conv_direct(kernel, schedule);
  if (is("conv.pointwise")) return conv_pointwise(node, schedule);
  if (is("conv.separable")) return conv_separable(node, schedule);
  if (is("conv.winograd") || is("conv.lanes_winograd")) return winograd(node, schedule);
  if (is("conv.lanes_grad_input")) return conv_grad_input(node, schedule);
  if (is("conv.lanes_grad_weight")) return conv_grad_weight(node, schedule);
  if (is("conv.lanes_winograd_grad_weight")) return winograd_grad_weight(node, schedule);
  if (is("dense.lanes") || is("dense.lanes_grad_input")) return dense(node, schedule);
  if (is("dense.lanes_grad_weight")) return dense_grad_weight(node, schedule);
  if (is("dense.packed")) return dense_packed(node, schedule);
  if (is("dense.vector")) return dense_vector(node, schedule);
  if (is("softmax")) return softmax(node, schedule);
  return reduce(node, schedule);
}

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

std::optional<std::string> LegalSchedules::conv_pointwise(const Node& node, const Schedule& schedule) const {
  const ValueId y = node.results[0];
  const ConvNumbers c = conv_numbers(graph_, node);
  const int64_t vector = layout(y).vector;
  Rules rules(schedule);
  rules.equals("blocks", layout(node.operands[1]).tile.at(1), "so the weights are packed");
  rules.at_most("pixels", rules["band"] * c.y[2], "a tile is no larger than a band");
  rules.registers(tile_registers(rules["blocks"], rules["pixels"]), target_.vector_registers);
  rules.divides("band", c.y[1], "rows of the result");
  rules.divides("chunk", c.x[0] / vector, "blocks of channels");
  rules.divides("unroll", vector, "channels of the inner loop");
  const int64_t pixels = ceil_divide(rules["band"] * c.y[2], rules["pixels"]) * rules["pixels"];
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

std::optional<std::string> LegalSchedules::dense(const Node& node, const Schedule& schedule) const {
  const int64_t outputs = graph_.type(node.results[0]).dims[0];
  Rules rules(schedule);
  for (const char* name : {"outputs", "single"}) rules.at_most(name, outputs, "a tile has no more outputs than the layer");
  rules.registers(tile_registers(rules["groups"], rules["outputs"]), target_.vector_registers);
  rules.registers(tile_registers(1, rules["single"]), target_.vector_registers);
  if (rules["chunk"] > 0) {
    rules.divides("chunk", graph_.type(node.operands[0]).dims[0], "inputs");
    rules.scratch(DenseGroup{rules["outputs"], rules["tasks"], rules["groups"]}.bytes(outputs, group_ * element_bytes(graph_.type(node.results[0]).element)));
  }
  return rules.result();
}

std::optional<std::string> LegalSchedules::dense_grad_weight(const Node& node, const Schedule& schedule) const {
  const ValueId weight = node.results[0];
  const Dims& dims = graph_.type(weight).dims;
  Rules rules(schedule);
  rules.vector(std::min(lanes_of(weight), dims[1]));
  rules.at_most("vectors", dims[1] / rules["vector"], "a tile has no more inputs than the layer");
  rules.at_most("outputs", dims[0], "a tile has no more outputs than the layer");
  rules.registers(tile_registers(rules["vectors"], rules["outputs"]), target_.vector_registers);
  rules.at_most("block", dims[0], "a block has no more outputs than the layer");
  if (rules["block"] % rules["outputs"] != 0 && rules["block"] != dims[0]) rules.complain("block", "a multiple of `outputs`, or all outputs");
  const int64_t bytes = element_bytes(graph_.type(weight).element), images = rules["chunk"] * group_;
  rules.scratch(rules["block"] * rules["vector"] * rules["vectors"] * bytes);
  rules.scratch(images * std::max(rules["vector"] * rules["vectors"], rules["block"]) * bytes);
  return rules.result();
}

std::optional<std::string> LegalSchedules::dense_packed(const Node& node, const Schedule& schedule) const {
  Rules rules(schedule);
  rules.equals("blocks", layout(node.operands[1]).tile.at(1), "so the weights are packed");
  rules.registers(tile_registers(rules["blocks"], rules["images"]), target_.vector_registers);
  if (!graph_.type(node.results[0]).batched) rules.equals("images", 1, "the result has no images");
  rules.divides("chunk", graph_.type(node.operands[0]).dims[0], "inputs");
  rules.divides("unroll", rules["chunk"], "inputs of a chunk");
  return rules.result();
}

std::optional<std::string> LegalSchedules::dense_vector(const Node& node, const Schedule& schedule) const {
  Rules rules(schedule);
  rules.vector(std::min(lanes_of(node.results[0]), graph_.type(node.operands[0]).dims[0]));
  rules.at_most("rows", graph_.type(node.results[0]).dims[0], "a tile has no more outputs than the layer");
  rules.registers(tile_registers(rules["images"], rules["rows"]), target_.vector_registers);
  const TensorType &x = graph_.type(node.operands[0]), &y = graph_.type(node.results[0]);
  if (!y.batched) {
    for (const char* name : {"images", "group"}) rules.equals(name, 1, "the result has no images");
    rules.equals("chunk", 0, "the result has no images");
  }
  if (rules["chunk"] == 0) {
    rules.equals("group", 1, "without a chunk no sums lie in memory");
    return rules.result();
  }
  rules.divides("chunk", x.dims[0] / rules["vector"], "whole vectors of inputs");
  rules.divides("images", rules["group"], "images whose sums lie in memory");
  rules.scratch(DenseGroup{rules["rows"], rules["tasks"], rules["group"]}.bytes(y.dims[0], rules["vector"] * element_bytes(y.element)));
  return rules.result();
}

std::optional<std::string> LegalSchedules::elementwise(const Kernel& kernel, const Schedule& schedule) const {
  const ValueId value = kernel.writes[0];
  const auto dims = stored_dims(graph_.type(value), layout(value));
  const bool is_flat = draft_.purpose == Purpose::Update;
  Rules rules(schedule);
  if (layout(value).kind == LayoutKind::Packed || dims.empty() || dims[0].is_batch) {
    if (!is_flat) rules.equals("vector", 1, "the result has no row of several elements");
  } else {
    vector_along(rules, layout(value), dims[0].extent, lanes_of(value));
  }
  if (is_flat) {
    rules.vector(lanes_of(value));
    if (rules["chunk"] < rules["vector"]) rules.complain("chunk", "at least a vector");
  } else {
    rules.equals("chunk", 0, "the result is no flat buffer");
  }
  return rules.result();
}

std::optional<std::string> LegalSchedules::pool(const Kernel& kernel, const Schedule& schedule) const {
  const ValueId value = kernel.writes[0];
  const TensorType& type = graph_.type(value);
  Rules rules(schedule);
  vector_along(rules, layout(value), stored_dims(type, layout(value))[0].extent, lanes_of(value));
  for (const auto& [name, axis] : {std::pair{"rows", size_t{1}}, std::pair{"columns", size_t{2}}}) {
    if (is_planar(value)) {
      rules.equals(name, 1, "tiles are for images or channels in vectors");
    } else {
      rules.divides(name, type.dims[axis], "of the result");
    }
  }
  // A tile is written out: larger ones take minutes to compile.
  constexpr int64_t kMostPlaces = 16;
  if (rules["rows"] * rules["columns"] > kMostPlaces) rules.complain("columns", fmt::format("at most {}: a tile has at most {} places", kMostPlaces / rules["rows"], kMostPlaces));
  return rules.result();
}

std::optional<std::string> LegalSchedules::softmax(const Node& node, const Schedule& schedule) const {
  const ValueId x = node.operands[0];
  const Dims &axes = std::get<Dims>(node.attributes.at("axes")), &dims = graph_.type(x).dims;
  Rules rules(schedule);
  vector_along(rules, layout(x), dims.back(), lanes_of(x));
  const bool along = reduces_innermost(graph_, node, layout(x));
  const int64_t elements = dims[static_cast<size_t>(axes.back())];
  rules.divides("partial", along ? ceil_divide(elements, rules["vector"]) : elements, along ? "vectors of a row's innermost axis" : "elements of a row's innermost axis");
  return rules.result();
}

std::optional<std::string> LegalSchedules::reduce(const Node& node, const Schedule& schedule) const {
  const Dims& axes = std::get<Dims>(node.attributes.at("axes"));
  Rules rules(schedule);
  rules.divides("partial", axes.empty() ? 1 : graph_.type(node.operands[0]).dims[static_cast<size_t>(axes.back())], "elements of the innermost axis");
  return rules.result();
}

}  // namespace cnnc

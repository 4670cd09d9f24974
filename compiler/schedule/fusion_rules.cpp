// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of fusion.
#include "schedule/fusion_rules.h"

#include <fmt/format.h>

#include "schedule/conv_numbers.h"
#include "schedule/legal.h"
#include "schedule/reductions.h"
#include "schedule/templates.h"
#include "schedule/vary.h"

namespace cnnc {
namespace {

/// Operations whose repetition costs more than a load.
bool is_cheap(const ScalarExpression& f) {
  constexpr size_t kMostNodes = 12;
  if (f.nodes().size() > kMostNodes) return false;
  for (const ScalarExpression::Node& node : f.nodes()) switch (node.op) {
      case ScalarOp::Divide: case ScalarOp::Power: case ScalarOp::Modulo: case ScalarOp::Exp: case ScalarOp::Log: case ScalarOp::Log1p:
      case ScalarOp::Sqrt: case ScalarOp::Tanh: case ScalarOp::Sigmoid: case ScalarOp::Erf: case ScalarOp::Sin: case ScalarOp::Cos:
        return false;
      default: break;
    }
  return true;
}

/// Ops that read each element of their operands a few times only, at places that follow from their own.
bool reads_elementwise(const std::string& op) {
  return op == "map" || op == "reduce" || op == "maxpool" || op == "avgpool" || op == "reshape" || op == "broadcast";
}

}  // namespace

FusionRules::FusionRules(const Draft& draft, const PlanContext& context)
    : draft_(draft), graph_(draft.function->graph), target_(context.target), variation_(context.options.variation), infer_batch_(context.options.infer_batch), plain_(draft.purpose == Purpose::Plain) {
  users_.resize(static_cast<size_t>(graph_.value_count()));
  for (size_t i = 0; i < graph_.nodes().size(); ++i)
    for (ValueId operand : graph_.nodes()[i].operands)
      if (operand.valid()) users_[index(operand)].push_back(static_cast<int32_t>(i));
}

NodeRole FusionRules::role(const Node& node) const {
  const std::string& op = node.op->name;
  if (op == "constant") return std::get<Numbers>(node.attributes.at("values")).size() == 1 ? NodeRole::Inlined : NodeRole::Data;
  if (op == "concat" && is_part_of(node.operands[0], node.results[0])) return NodeRole::Alias;
  if (op == "slice" && is_part_of(node.results[0], node.operands[0])) return NodeRole::Alias;
  if (op == "iota" || op == "images" || op == "broadcast") return NodeRole::Inlined;
  if (op == "reshape") {
    const int32_t producer = graph_.value(node.operands[0]).node;
    if (producer >= 0 && role_of(producer) == NodeRole::Inlined) return NodeRole::Inlined;
    return keeps_memory(node) ? NodeRole::Alias : NodeRole::Computed;
  }
  return can_inline(node) ? NodeRole::Inlined : NodeRole::Computed;
}

bool FusionRules::is_part_of(ValueId value, ValueId whole) const {
  const auto found = draft_.parts.find(value);
  return found != draft_.parts.end() && found->second.whole == whole;
}

bool FusionRules::keeps_memory(const Node& reshape) const {
  const Layout& from = layout(reshape.operands[0]);
  const Layout& to = layout(reshape.results[0]);
  if (from.kind != LayoutKind::Blocked) return from == to;
  const Dims& dims = graph_.type(reshape.operands[0]).dims;
  const bool is_vector = element_count(dims) == dims[0] && dims[0] % from.vector == 0 && from.border.empty();
  return is_vector && to.kind == LayoutKind::Planar && from.image_step == to.image_step;
}

bool FusionRules::can_inline(const Node& node) const {
  if (plain_ || !is_map(node) || is_result(*draft_.function, node.results[0])) return false;
  if (is_number_of_batch(node)) return true;
  const TensorType& type = graph_.type(node.results[0]);
  const auto& users = readers(node.results[0]);
  const bool cheap = is_cheap(std::get<ScalarExpression>(node.attributes.at("f")));
  if (users.empty() || (!cheap && users.size() > 1) || (users.size() > 1 && node.operands.size() > 2)) return false;
  for (ValueId operand : node.operands)   // a copy changes the layout: that is its purpose
    if (graph_.type(operand) == type && !layout(operand).same_order(layout(node.results[0]))) return false;
  for (int32_t user : users) {
    const Node& reader = graph_.node(user);
    const std::string& op = reader.op->name;
    if (!reads_elementwise(op) || op == "reshape" || op == "broadcast") return false;
    if (op == "reduce" && !cheap) return false;
    if (op == "map" && graph_.type(reader.results[0]).dims != type.dims) return false;
    if (graph_.type(reader.results[0]).batched != type.batched && op != "reduce") return false;
    if ((op == "maxpool" || op == "avgpool") && (!cheap || node.operands.size() > 2)) return false;
  }
  // A kernel that would otherwise end in this node, as an epilogue, stores it: only several readers make that worthwhile.
  return true;
}

bool FusionRules::is_number_of_batch(const Node& node) const {
  const TensorType& type = graph_.type(node.results[0]);
  return !type.batched && type.dims.empty() && node.operands.size() <= 1 && draft_.purpose == Purpose::Training &&
         std::get<ScalarExpression>(node.attributes.at("f")).nodes().size() <= 4;
}

bool FusionRules::pools(const Node& node, const Kernel& kernel) const {
  constexpr int64_t kMostPlaces = 4;
  if (plain_ || (node.op->name != "maxpool" && node.op->name != "avgpool") || kernel.nodes.size() != 1 || kernel.anchor < 0) return false;
  const Node& conv = graph_.node(kernel.anchor);
  const ValueId y = conv.results[0];
  if (conv.op->name != "conv" || !serves_only(y, node) || !has_tiles_of_windows(conv, layout(node.results[0]))) return false;
  const auto list = [&](const char* name) { return std::get<Dims>(node.attributes.at(name)); };
  const Dims &kernel_size = list("kernel"), &dims = graph_.type(y).dims;
  if (list("stride") != kernel_size || list("pad") != Dims{0, 0, 0, 0} || dims[1] % kernel_size[0] != 0 || dims[2] % kernel_size[1] != 0) return false;
  const int64_t places = kernel_size[0] * kernel_size[1];
  if (places > kMostPlaces || !fits_tiles(kernel_size, layout(conv.operands[1]))) return false;
  std::vector<ValueId> values;
  add_stored_operands(node, values);
  return std::find(values.begin(), values.end(), y) != values.end() && graph_.type(node.operands[0]) == graph_.type(y) && reads_at_own_place(node, kernel, graph_.type(y));
}

bool FusionRules::fits_tiles(const Dims& window, const Layout& weight) const {
  if (weight.kind == LayoutKind::Winograd) return weight.tile[2] % window[0] == 0 && weight.tile[2] % window[1] == 0;
  const int64_t places = window[0] * window[1], blocks = weight.kind == LayoutKind::Packed ? weight.tile[1] : 1;
  return tile_registers(places, blocks) <= target_.vector_registers && tile_registers(blocks, places) <= target_.vector_registers;
}

bool FusionRules::sums_up_channels(const Node& node, const Kernel& kernel) const {
  if (plain_ || node.op->name != "conv" || kernel.anchor < 0 || kernel.depthwise >= 0 || kernel.nodes.size() + 1 >= kMostNodes) return false;
  const Node& depthwise = graph_.node(kernel.anchor);
  const ValueId x = node.operands[0];
  if (depthwise.op->name != "conv" || !conv_numbers(graph_, depthwise).is_depthwise() || graph_.node(kernel.nodes.back()).results[0] != x) return false;
  const ConvNumbers c = conv_numbers(graph_, node);
  if (layout(node.results[0]).kind != LayoutKind::Blocked || !layout(x).same_order(layout(node.results[0])) || !is_separable(c, layout(x), element_bytes(graph_.type(x).element))) return false;
  const bool is_large = 2 * stored_bytes(graph_.type(x), layout(x)) > target_.level2_bytes;
  if (variation_ == 0 ? !is_large : varied_choice(variation_, fmt::format("separable {} {}", to_string(c.x), to_string(c.y)), 2) == 0) return false;
  return serves_only(x, node) && has_one_result(kernel);
}

bool FusionRules::reads_means(const Node& node, const Kernel& kernel) const {
  if (plain_ || draft_.purpose != Purpose::Inference || node.op->name != "dense" || kernel.anchor < 0 || kernel.nodes.size() + 1 >= kMostNodes) return false;
  const Node& sums = graph_.node(kernel.anchor);
  if (sums.op->name != "reduce" || !kernel.row_nodes.empty() || std::get<Dims>(sums.attributes.at("axes")) != Dims{1, 2} || std::get<bool>(sums.attributes.at("batch"))) return false;
  if (layout(sums.results[0]).kind != LayoutKind::Blocked || !has_one_result(kernel) || !is_last_result(node.operands[0], kernel)) return false;
  const ValueId x = node.operands[0], weight = node.operands[1], y = node.results[0];
  if (layout(x).kind != LayoutKind::Planar || layout(y).kind != LayoutKind::Planar || !graph_.type(y).batched || graph_.type(weight).batched) return false;
  if (variation_ != 0) return varied_choice(variation_, fmt::format("means of {}", graph_.type(x).dims[0]), 2) == 1;
  return infer_batch_ == 1 || 2 * stored_bytes(graph_.type(weight), layout(weight)) <= target_.level2_bytes;
}

bool FusionRules::has_one_result(const Kernel& kernel) const {
  return std::all_of(kernel.nodes.begin(), std::prev(kernel.nodes.end()), [&](int32_t node) {
    const ValueId made = graph_.node(node).results[0];
    return !is_result(*draft_.function, made) && std::all_of(readers(made).begin(), readers(made).end(), [&](int32_t user) { return is_inside(user, kernel); });
  });
}

bool FusionRules::is_last_result(ValueId value, const Kernel& kernel) const {
  const int32_t producer = graph_.value(value).node;
  if (producer < 0 || is_result(*draft_.function, value) || readers(value).size() != 1) return false;
  if (producer == kernel.nodes.back()) return true;
  return graph_.node(producer).op->name == "reshape" && role_of(producer) == NodeRole::Alias && is_last_result(graph_.node(producer).operands[0], kernel);
}

bool FusionRules::serves_only(ValueId value, const Node& reader) const {
  if (is_result(*draft_.function, value)) return false;
  const auto& users = readers(value);
  return std::all_of(users.begin(), users.end(), [&](int32_t user) {
    const Node& node = graph_.node(user);
    // Nodes behind the reader have no role yet.
    return &node == &reader || (role_of(user) == NodeRole::Inlined && serves_only(node.results[0], reader));
  });
}

bool FusionRules::has_tiles_of_windows(const Node& conv, const Layout& pooled) const {
  const Layout &x = layout(conv.operands[0]), &y = layout(conv.results[0]);
  const ElementType element = graph_.type(conv.results[0]).element;
  if ((element != ElementType::F32 && element != ElementType::F64) || !y.same_order(pooled)) return false;
  if (y.kind == LayoutKind::Blocked) return !conv_numbers(graph_, conv).is_depthwise();
  return y.kind == LayoutKind::Lanes && x.kind == LayoutKind::Lanes;
}

int32_t FusionRules::pass_to_join(const Node& node, int32_t ready) const {
  constexpr int32_t kNearest = 4;
  if (draft_.purpose != Purpose::Training || node.op->name != "reduce") return -1;
  if (ready >= 0 && is_later_pass(node, draft_.kernels[static_cast<size_t>(ready)])) return ready;
  const auto end = static_cast<int32_t>(draft_.kernels.size());
  for (int32_t k = std::max({ready + 1, end - kNearest, 0}); k < end; ++k) {
    const Kernel& kernel = draft_.kernels[static_cast<size_t>(k)];
    if (kernel.anchor < 0) continue;
    const Node& anchor = graph_.node(kernel.anchor);
    if (reduces_alike(anchor, node) && anchor.attributes == node.attributes) return k;
  }
  return -1;
}

bool FusionRules::goes_on_with_rows(const Node& node, const Kernel& kernel) const {
  if (plain_ || kernel.anchor < 0 || kernel.nodes.size() >= kMostNodes || !reduces_rows(kernel)) return false;
  const Node& anchor = graph_.node(kernel.anchor);
  const bool reduces = node.op == anchor.op;
  if (reduces && (node.attributes.at("axes") != anchor.attributes.at("axes") || std::get<bool>(node.attributes.at("batch")))) return false;
  const ValueId from = reduces ? node.operands[0] : anchor.operands[0], made = node.results[0];
  const TensorType &row = graph_.type(anchor.operands[0]), &number = graph_.type(anchor.results[0]);
  if (!(graph_.type(from) == row) || !layout(from).same_order(layout(made))) return false;
  const bool makes_rows = !reduces && graph_.type(made) == row;
  if (!makes_rows && !(graph_.type(made) == number)) return false;
  const auto rows = 1 + std::count_if(kernel.nodes.begin(), kernel.nodes.end(), [&](int32_t other) { return graph_.type(graph_.node(other).results[0]) == row; });
  return rows * row_bytes(graph_, anchor, layout(from), target_) <= kLargestScratchBytes && reads_own_row(node, kernel, reduces || makes_rows);
}

bool FusionRules::reduces_rows(const Kernel& kernel) const {
  const Node& anchor = graph_.node(kernel.anchor);
  if (anchor.op->name != "reduce" || std::get<bool>(anchor.attributes.at("batch"))) return false;
  const ValueId x = anchor.operands[0], y = anchor.results[0];
  const TensorType& row = graph_.type(x);
  const bool is_float = row.element == ElementType::F32 || row.element == ElementType::F64;
  return is_float && row.batched && !(row == graph_.type(y)) && layout(x).kind != LayoutKind::Blocked && layout(x).same_order(layout(y));
}

std::vector<int32_t> FusionRules::nodes_kept_for_a_row(const Kernel& kernel) const {
  std::vector<int32_t> kept;
  for (const int32_t node : kernel.nodes) {
    if (role_of(node) != NodeRole::Computed) continue;
    const auto& users = readers(graph_.node(node).results[0]);
    const bool is_read = std::any_of(users.begin(), users.end(), [&](int32_t user) { return is_inside(user, kernel); });
    if (graph_.node(node).op->name == "reduce" || is_read) kept.push_back(node);
  }
  return kept;
}

bool FusionRules::reduces_alike(const Node& a, const Node& b) const {
  return a.op == b.op && a.attributes.at("axes") == b.attributes.at("axes") && a.attributes.at("batch") == b.attributes.at("batch") &&
         graph_.type(a.operands[0]) == graph_.type(b.operands[0]) && layout(a.operands[0]).same_order(layout(b.operands[0])) &&
         layout(a.results[0]) == layout(b.results[0]) && share_an_operand(a, b);
}

bool FusionRules::is_later_pass(const Node& node, const Kernel& kernel) const {
  const ValueId x = node.operands[0], y = node.results[0];
  if (kernel.anchor < 0 || std::get<bool>(node.attributes.at("batch")) || !reduces_alike(graph_.node(kernel.anchor), node)) return false;
  return layout(x).kind == LayoutKind::Lanes && layout(y).kind == LayoutKind::Lanes && reduces_long_rows(graph_, node) && kernel.row_nodes.empty() && reads_own_row(node, kernel, false);
}

bool FusionRules::reads_own_row(const Node& node, const Kernel& kernel, bool rows) const {
  const Node& anchor = graph_.node(kernel.anchor);
  const TensorType &row = graph_.type(anchor.operands[0]), &number = graph_.type(anchor.results[0]);
  return std::all_of(node.operands.begin(), node.operands.end(), [&](ValueId operand) {
    if (!depends_on(operand, kernel)) return true;
    const int32_t producer = graph_.value(operand).node;
    const TensorType& type = graph_.type(operand);
    if (is_inside(producer, kernel)) return type == number || (rows && type == row);
    return role_of(producer) == NodeRole::Inlined && is_map(graph_.node(producer)) && reads_own_row(graph_.node(producer), kernel, rows && type == row);
  });
}

bool FusionRules::share_an_operand(const Node& a, const Node& b) const {
  std::vector<ValueId> of_a, of_b;
  add_stored_operands(a, of_a);
  add_stored_operands(b, of_b);
  return std::any_of(of_a.begin(), of_a.end(), [&](ValueId value) {
    return graph_.type(value) == graph_.type(a.operands[0]) && std::find(of_b.begin(), of_b.end(), value) != of_b.end();
  });
}

void FusionRules::add_stored_operands(const Node& node, std::vector<ValueId>& values) const {
  for (ValueId operand : node.operands) {
    if (!operand.valid()) continue;
    const int32_t producer = graph_.value(operand).node;
    if (producer >= 0 && role_of(producer) == NodeRole::Inlined) add_stored_operands(graph_.node(producer), values);
    else values.push_back(operand);
  }
}

std::string FusionRules::keeps_apart(const Node& node, const Kernel& kernel) const {
  if (!kernel.row_nodes.empty()) return "it needs more than the rows of that kernel";
  if (kernel.nodes.size() >= kMostNodes && draft_.purpose != Purpose::Update) return "it has as many ops as a kernel may have";
  const ValueId result = node.results[0];
  const ValueId other = graph_.node(kernel.nodes.back()).results[0];
  if (!(graph_.type(result) == graph_.type(other))) return "its results have another type";
  if (!layout(result).same_order(layout(other))) return "its results lie in another order";
  return reads_at_own_place(node, kernel, graph_.type(result)) ? "" : "its results are read at other places";
}

bool FusionRules::reads_at_own_place(const Node& node, const Kernel& kernel, const TensorType& type) const {
  for (ValueId operand : node.operands) {
    const int32_t producer = operand.valid() ? graph_.value(operand).node : -1;
    if (producer < 0) continue;
    const bool inside = is_inside(producer, kernel);
    if (inside && graph_.type(operand).dims != type.dims) return false;
    if (inside) continue;
    const NodeRole role = role_of(producer);
    if (role == NodeRole::Alias && depends_on(operand, kernel)) return false;
    if (role == NodeRole::Inlined) {
      if (is_map(graph_.node(producer)) ? !reads_at_own_place(graph_.node(producer), kernel, graph_.type(operand)) : depends_on(operand, kernel)) return false;
    }
  }
  return true;
}

bool FusionRules::depends_on(ValueId value, const Kernel& kernel) const {
  const int32_t producer = value.valid() ? graph_.value(value).node : -1;
  if (producer < 0) return false;
  if (is_inside(producer, kernel)) return true;
  if (role_of(producer) == NodeRole::Computed) return false;
  const auto& operands = graph_.node(producer).operands;
  return std::any_of(operands.begin(), operands.end(), [&](ValueId operand) { return depends_on(operand, kernel); });
}

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `softmax`: rows of an image that are reduced, and computed with what their reductions have found: softmax, the loss of a
// classification and its gradient, norms within an image. Row after row, what several nodes read is computed once and kept in a
// scratch; a reduction is a few vectors of partial results, combined in a fixed order. Vectors run across rows (images in lanes, or the
// innermost axis of planar images), or, where a row's elements lie side by side, along them: then their lanes are combined last.
// Parallel over the outermost axis that is kept, and over images or groups. Parameters: vector (elements), partial (vectors).
#include <algorithm>

#include "ir/op.h"
#include "lower/numbers.h"
#include "lower/templates/tools.h"
#include "schedule/reductions.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class Rows {
 public:
  explicit Rows(KernelBuilder& builder)
      : builder_(builder), anchor_(builder.anchor()), axes_(std::get<Dims>(anchor_.attributes.at("axes"))), row_(builder.type(anchor_.operands[0])),
        layout_(builder.layout(anchor_.operands[0])), runs_along_(reduces_innermost(builder.graph(), anchor_, layout_)), vector_(int32(builder.parameter("vector"))),
        partial_(int32(builder.parameter("partial"))) {}

  Halide::Pipeline build() {
    for (const int32_t index : builder_.kernel().row_nodes) {
      const Node& node = builder_.graph().node(index);
      if (node.op->name == "reduce") builder_.provide(node.results[0], reduction(node));
      else keep_elements(node.results[0]);
    }
    define_results();
    schedule_results();
    return Halide::Pipeline(result_);
  }

 private:
  bool is_row(ValueId value) const { return builder_.type(value) == row_; }

  void keep_elements(ValueId value) {
    // Along a row the last vector begins earlier.
    scratch_.push_back({builder_.keep(value, "elements"), builder_.variables(value).variables[0], is_row(value) || !runs_along_, runs_along_ ? TailStrategy::ShiftInwards : TailStrategy::RoundUp});
  }

  Func reduction(const Node& node) {
    const Combination with = combination_of(node, halide_type(row_.element));
    const StoredVariables stored = builder_.variables(node.results[0]);
    // Elements of the innermost reduced axis follow one another by lanes (of vectors along it), then by parts, then by steps.
    const int64_t extent = row_.dims[static_cast<size_t>(axes_.back())], together = (runs_along_ ? vector_ : 1) * partial_;
    const RDom domain = steps_of_row(together);
    Spot spot = stored.spot;
    for (size_t i = 0; i < axes_.size(); ++i) spot.at[static_cast<size_t>(axes_[i])] = Coordinate::whole(domain[static_cast<int>(axes_.size() - 1 - i)]);
    Expr index = domain[0] * partial_ + part_;
    if (runs_along_) index = index * vector_ + lane_;
    const bool is_whole = extent % together == 0;
    spot.at[static_cast<size_t>(axes_.back())] = Coordinate::whole(is_whole ? index : min(index, int32(extent) - 1));
    // The condition mentions the domain: of one that no term mentions, Halide makes no loop.
    const Expr counts = is_whole ? domain[0] >= 0 : index < int32(extent);
    const Expr element = select(counts, builder_.element(node.operands[0], spot), with.neutral);

    std::vector<Var> variables = stored.variables;
    if (runs_along_) variables.insert(variables.begin(), lane_);
    std::vector<Var> with_part = variables;
    with_part.insert(with_part.begin() + 1, part_);
    Func sums("sums"), parts("parts");
    sums(with_part) = with.neutral;
    sums(with_part) = with.combine(sums(with_part), element);
    schedule_sums(sums, variables[0], domain);

    std::vector<Expr> where = expressions(with_part);
    Expr total;
    for (int32_t part = 0; part < partial_; ++part) {
      where[1] = part;
      total = total.defined() ? with.combine(total, sums(where)) : Expr(sums(where));
    }
    parts(variables) = total;
    scratch_.push_back({parts, variables[0], true, TailStrategy::RoundUp});
    return runs_along_ ? combined_lanes(parts, variables, with) : parts;
  }

  /// The axes that are reduced, the innermost one in steps of so many elements.
  RDom steps_of_row(int64_t together) const {
    Halide::Region region;
    for (size_t i = axes_.size(); i-- > 0;) {
      const int64_t whole = row_.dims[static_cast<size_t>(axes_[i])];
      region.emplace_back(0, int32(i + 1 == axes_.size() ? (whole + together - 1) / together : whole));
    }
    return RDom(region);
  }

  /// Halves of a vector are combined with halves.
  Func combined_lanes(const Func& parts, const std::vector<Var>& variables, const Combination& with) {
    std::vector<Expr> lanes, where = expressions(variables);
    for (int32_t lane = 0; lane < vector_; ++lane) {
      where[0] = lane;
      lanes.push_back(parts(where));
    }
    for (size_t count = lanes.size() / 2; count > 0; count /= 2)
      for (size_t i = 0; i < count; ++i) lanes[i] = with.combine(lanes[i], lanes[i + count]);
    const std::vector<Var> of_row(variables.begin() + 1, variables.end());
    Func combined("combined");
    combined(of_row) = lanes[0];
    scratch_.push_back({combined, of_row[0], false, TailStrategy::RoundUp});
    return combined;
  }

  void schedule_sums(Func& sums, const Var& innermost, const RDom& domain) {
    sums.bound_extent(part_, partial_).unroll(part_);
    std::vector<Halide::VarOrRVar> order = {innermost, part_};
    for (int i = 0; i < domain.dimensions(); ++i) order.emplace_back(domain[i]);
    sums.update().reorder(order).unroll(part_).vectorize(innermost, vector_, TailStrategy::RoundUp);
    scratch_.push_back({sums, innermost, true, TailStrategy::RoundUp});
  }

  /// All results as one function over elements of rows, if there are such: a number for a whole row is then stored once for each element, to
  /// one place.
  void define_results() {
    const std::vector<ValueId>& writes = builder_.kernel().writes;
    const auto first_row = std::find_if(writes.begin(), writes.end(), [&](ValueId value) { return is_row(value); });
    has_rows_ = first_row != writes.end();
    results_ = builder_.variables(has_rows_ ? *first_row : writes[0]);
    std::vector<Expr> values;
    for (const ValueId value : writes) {
      Spot spot = results_.spot;
      if (!is_row(value))
        for (const int64_t axis : axes_) spot.at[static_cast<size_t>(axis)] = Coordinate::whole(Expr(0));
      values.push_back(builder_.element(value, spot));
    }
    if (values.size() == 1) result_(results_.variables) = values[0];
    else result_(results_.variables) = Halide::Tuple(values);
    const auto buffers = result_.output_buffers();
    for (size_t i = 0; i < writes.size(); ++i) {
      const bool is_repeated = has_rows_ && !is_row(writes[i]);
      builder_.fix_output(buffers[i], writes[i], i == 0 && !is_repeated);
      if (is_repeated)
        for (const int64_t axis : axes_) buffers[i].dim(static_cast<int>(dimension(static_cast<size_t>(axis)))).set_stride(0);
    }
    // Of a tuple only the first buffer may have bounds: that of a number for a row does not say how long the row is.
    if (has_rows_ && !is_row(writes[0]))
      for (size_t axis = 0; axis < row_.dims.size(); ++axis) result_.bound(variable(axis), 0, int32(row_.dims[axis]));
  }

  void schedule_results() {
    const Var around("around"), inner("inner"), innermost = results_.variables[0];
    Var rows = results_.variables.back();
    std::vector<Halide::VarOrRVar> order;
    std::vector<size_t> kept;             // axes that are not reduced and have a loop of their own, from the inside outwards
    const bool has_vectors = !runs_along_ || has_rows_;
    if (has_vectors) {
      result_.split(innermost, around, inner, vector_, tail(stored_extent(), vector_)).vectorize(inner);
      order.emplace_back(inner);
      if (runs_along_) order.emplace_back(around);
    }
    for (size_t axis = row_.dims.size(); axis-- > 0;) {
      if (has_vectors && dimension(axis) == 0) continue;
      if (is_reduced(axis)) order.emplace_back(variable(axis));
      else kept.push_back(axis);
    }
    if (!runs_along_) order.emplace_back(around);
    for (const size_t axis : kept) order.emplace_back(variable(axis));
    order.emplace_back(rows);
    result_.reorder(order);

    double cost = traffic_ns(static_cast<double>(stored_bytes(row_, layout_)));
    if (!kept.empty()) {
      const Var step("step");
      result_.fuse(variable(kept.back()), rows, step);
      cost /= static_cast<double>(row_.dims[kept.back()]);
      rows = step;
    }
    parallelize(result_, rows, cost);
    compute_scratch_at(!runs_along_ ? around : kept.size() > 1 ? variable(kept.front()) : rows);
  }

  void compute_scratch_at(const Var& loop) {
    for (Scratch& scratch : scratch_) {
      scratch.func.compute_at(result_, loop);
      if (scratch.is_vector) scratch.func.vectorize(scratch.innermost, vector_, scratch.tail);
      keep_on_stack(scratch.func);
    }
  }

  bool is_reduced(size_t axis) const { return std::find(axes_.begin(), axes_.end(), static_cast<int64_t>(axis)) != axes_.end(); }
  /// The number of the variable, innermost first, that runs along an axis.
  size_t dimension(size_t axis) const { return row_.dims.size() - 1 - axis + (layout_.kind == LayoutKind::Lanes ? 1 : 0); }
  const Var& variable(size_t axis) const { return results_.variables[dimension(axis)]; }
  /// Elements of rows along the innermost variable.
  int32_t stored_extent() const { return layout_.kind == LayoutKind::Lanes ? vector_ : int32(row_.dims.back()); }

  /// What is kept for a row: one number, or vectors along a variable.
  struct Scratch {
    Func func;
    Var innermost;
    bool is_vector;
    TailStrategy tail;
  };

  KernelBuilder& builder_;
  const Node& anchor_;
  const Dims& axes_;
  const TensorType& row_;
  const Layout& layout_;
  const bool runs_along_;
  const int32_t vector_, partial_;
  const Var part_{"part"}, lane_{"lane"};
  std::vector<Scratch> scratch_;
  StoredVariables results_;
  Func result_{"result"};
  bool has_rows_ = false;               // elements of rows are among the results
};

}  // namespace

Halide::Pipeline build_softmax(KernelBuilder& builder) { return Rows(builder).build(); }

}  // namespace cnnc

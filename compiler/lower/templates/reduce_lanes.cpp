// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `reduce.lanes`: over axes of the image, and perhaps over the batch, of a value with images innermost. For each element of the
// result a few vectors of partial results run over pixels, and groups, in a fixed order. Over the batch their lanes are combined
// last, and images beyond the batch are masked. Several reductions of one kernel are one pass.
// `norm.lanes`: reductions over axes of the image of which later ones need the results of earlier ones, as the squared distances from
// a mean need the mean: one pass after the other for each element of the result, so that later ones find in a cache what they read.
// Parallel over elements of the result, else over groups. Parameters: partial (vectors).
#include "ir/op.h"
#include "lower/numbers.h"
#include "lower/templates/tools.h"
#include "schedule/reductions.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::RDom;
using Halide::Var;

/// One value, or several as a tuple.
struct Values {
  Halide::Func func;
  size_t count;

  void define(const std::vector<Expr>& where, const std::vector<Expr>& values) {
    if (count == 1) func(where) = values[0];
    else func(where) = Halide::Tuple(values);
  }
  Expr at(const std::vector<Expr>& where, size_t index) const { return count == 1 ? Expr(func(where)) : func(where)[static_cast<int>(index)]; }
};

/// Reductions that run over the elements together: all of one op and of values of one type.
struct Pass {
  std::vector<const Node*> nodes;
  Combination op;
  Values sums, folded;
};

/// The reductions of the kernel: all over the same axes.
class LaneReductions {
 public:
  explicit LaneReductions(KernelBuilder& builder)
      : builder_(builder), anchor_(builder.anchor()), axes_(std::get<Dims>(anchor_.attributes.at("axes"))), type_(builder.type(anchor_.operands[0])),
        over_batch_(std::get<bool>(anchor_.attributes.at("batch"))), lanes_(int32(builder.plan().group)), partial_(int32(builder.parameter("partial"))) {
    for (const std::vector<int32_t>& nodes : reduction_passes(builder.graph(), builder.kernel())) add_pass(nodes);
    set_domain();
    set_variables();
  }

  Halide::Pipeline build() {
    builder_.set_unroll_limit(16);
    for (Pass& pass : passes_) {
      define_sums(pass);
      define_folded(pass);
      for (size_t i = 0; i < pass.nodes.size(); ++i)
        builder_.provide(pass.nodes[i]->results[0], [this, &pass, i](const Spot& at) { return result(pass, at, i); });
    }
    Results results = define_results(builder_);
    schedule(results);
    return Halide::Pipeline(results.func);
  }

 private:
  void add_pass(const std::vector<int32_t>& nodes) {
    Pass pass{.nodes = {}, .op = {}, .sums = {Halide::Func("sums"), nodes.size()}, .folded = {Halide::Func("folded"), nodes.size()}};
    for (const int32_t node : nodes) pass.nodes.push_back(&builder_.graph().node(node));
    pass.op = combination_of(*pass.nodes[0], halide_type(type_.element));
    passes_.push_back(std::move(pass));
  }

  /// Pixels, and groups. The innermost reduced axis is cut into `partial` interleaved parts.
  void set_domain() {
    Halide::Region region;
    for (size_t i = axes_.size(); i-- > 0;) {
      const auto extent = int32(type_.dims[static_cast<size_t>(axes_[i])]);
      region.emplace_back(0, i + 1 == axes_.size() ? extent / partial_ : extent);
    }
    if (over_batch_) region.emplace_back(0, (builder_.batch() + lanes_ - 1) / lanes_);
    domain_ = RDom(region);
  }

  void set_variables() {
    std::vector<Var> kept;                // the result's coordinates, outermost first
    for (size_t axis = 0; axis < type_.dims.size(); ++axis) kept.emplace_back("d" + std::to_string(axis));
    folded_variables_ = {lane_};
    folded_variables_.insert(folded_variables_.end(), kept.rbegin(), kept.rend());
    if (!over_batch_) folded_variables_.push_back(n_);
    variables_ = folded_variables_;
    variables_.insert(variables_.begin() + 1, part_);

    const Expr group = over_batch_ ? Expr(domain_[domain_.dimensions() - 1]) : Expr(n_);
    spot_.image = Coordinate::split(group, lane_, lanes_);
    for (const Var& axis : kept) spot_.at.push_back(Coordinate::whole(axis));
    for (size_t i = 0; i < axes_.size(); ++i) {
      Expr index = domain_[static_cast<int>(axes_.size() - 1 - i)];
      if (i + 1 == axes_.size()) index = index * partial_ + part_;
      spot_.at[static_cast<size_t>(axes_[i])] = Coordinate::whole(index);
    }
  }

  void define_sums(Pass& pass) {
    // Each mentions the domain: of one that no term mentions, Halide makes no loop.
    const Expr counts = over_batch_ ? spot_.image.value < builder_.batch() : domain_[0] >= 0;
    const std::vector<Expr> where = expressions(variables_);
    std::vector<Expr> combined;
    pass.sums.define(where, std::vector<Expr>(pass.nodes.size(), pass.op.neutral));
    for (size_t i = 0; i < pass.nodes.size(); ++i) {
      const Expr element = builder_.element(pass.nodes[i]->operands[0], spot_);
      combined.push_back(pass.op.combine(pass.sums.at(where, i), select(counts, element, pass.op.neutral)));
    }
    pass.sums.define(where, combined);
  }

  /// One vector: the parts combined.
  void define_folded(Pass& pass) {
    std::vector<Expr> folds(pass.nodes.size());
    for (size_t i = 0; i < pass.nodes.size(); ++i)
      for (int32_t part = 0; part < partial_; ++part) {
        std::vector<Expr> where = expressions(folded_variables_);
        where.insert(where.begin() + 1, part);
        folds[i] = folds[i].defined() ? pass.op.combine(folds[i], pass.sums.at(where, i)) : pass.sums.at(where, i);
      }
    pass.folded.define(expressions(folded_variables_), folds);
  }

  Expr folded(const Pass& pass, const Expr& lane, const Spot& at, size_t index) const {
    std::vector<Expr> where = {lane};
    for (size_t i = at.at.size(); i-- > 0;) where.push_back(at.at[i].value);
    if (!over_batch_) where.push_back(at.image.parts(lanes_).first);
    return pass.folded.at(where, index);
  }

  Expr result(const Pass& pass, const Spot& at, size_t index) const {
    if (!over_batch_) return folded(pass, at.image.parts(lanes_).second, at, index);
    Expr total = folded(pass, 0, at, index);
    for (int32_t lane = 1; lane < lanes_; ++lane) total = pass.op.combine(total, folded(pass, lane, at, index));
    return total;
  }

  void schedule(Results& results) {
    Halide::Func& func = results.func;
    const std::vector<Var>& stored = results.stored.variables;
    for (Pass& pass : passes_) {
      schedule_sums(pass.sums.func);
      pass.folded.func.vectorize(lane_, lanes_, Halide::TailStrategy::RoundUp);
      keep_on_stack(pass.folded.func);
      for (Halide::Func* each : {&pass.sums.func, &pass.folded.func}) {
        if (type_.dims.empty()) each->compute_root();
        else each->compute_at(func, stored[over_batch_ ? 0 : 1]);
      }
    }
    if (type_.dims.empty()) return;
    const auto bytes = static_cast<double>(stored_bytes(type_, builder_.layout(anchor_.operands[0])) * static_cast<int64_t>(passes_[0].nodes.size()));
    if (over_batch_) {
      // Loops over the axes that are kept; the outermost one of more than one step is parallel.
      constexpr double kLong = 64 << 10;
      if (bytes > kLong && builder_.type(anchor_.results[0]).dims[0] > 1) func.parallel(stored.back());
      return;
    }
    func.vectorize(lane_, lanes_, Halide::TailStrategy::RoundUp);
    const int64_t outermost = builder_.type(anchor_.results[0]).dims[0];
    if (type_.dims.size() == 1 || outermost == 1) {
      parallelize(func, results.batch(), traffic_ns(bytes));
      return;
    }
    const Var step("step");
    func.fuse(stored[stored.size() - 2], results.batch(), step);
    parallelize(func, step, traffic_ns(bytes) / static_cast<double>(outermost));
  }

  void schedule_sums(Halide::Func& sums) {
    sums.bound_extent(part_, partial_).vectorize(lane_, lanes_, Halide::TailStrategy::RoundUp).unroll(part_);
    sums.update().vectorize(lane_, lanes_, Halide::TailStrategy::RoundUp).unroll(part_);
    std::vector<Halide::VarOrRVar> order = {lane_, part_};
    for (int i = 0; i < domain_.dimensions(); ++i) order.emplace_back(domain_[i]);
    sums.update().reorder(order);
    keep_on_stack(sums);
  }

  KernelBuilder& builder_;
  const Node& anchor_;
  const Dims& axes_;
  const TensorType& type_;
  const bool over_batch_;
  const int32_t lanes_, partial_;
  const Var lane_ = KernelBuilder::lane_variable(), part_{"part"}, n_ = KernelBuilder::batch_variable();
  std::vector<Pass> passes_;
  RDom domain_;
  std::vector<Var> folded_variables_, variables_;
  Spot spot_;
};

}  // namespace

Halide::Pipeline build_reduce_lanes(KernelBuilder& builder) { return LaneReductions(builder).build(); }

}  // namespace cnnc

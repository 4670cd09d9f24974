// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `reduce.lanes`: over axes of the image, and perhaps over the batch, of a value with images innermost. For each element of the
// result a few vectors of partial results run over pixels, and groups, in a fixed order. Over the batch their lanes are combined
// last, and images beyond the batch are masked. Several reductions of one kernel are one pass. Parallel over elements of the result,
// else over groups. Parameters: partial (vectors).
#include <limits>

#include "ir/op.h"
#include "lower/numbers.h"
#include "lower/templates/tools.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::RDom;
using Halide::Var;

struct Operation {
  Expr neutral;
  std::function<Expr(const Expr&, const Expr&)> combine;
};

Operation operation(const std::string& name, Halide::Type type) {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto number = [&](double value) { return Halide::Internal::make_const(type, value); };
  if (name == "max") return {number(-infinity), [](const Expr& a, const Expr& b) { return maximum(a, b); }};
  if (name == "min") return {number(infinity), [](const Expr& a, const Expr& b) { return minimum(a, b); }};
  return {number(0), [](const Expr& a, const Expr& b) { return a + b; }};
}

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

std::vector<Expr> expressions(const std::vector<Var>& variables) { return {variables.begin(), variables.end()}; }

/// The reductions of the kernel: all over the same axes of values of one type.
class ReductionPass {
 public:
  explicit ReductionPass(KernelBuilder& builder)
      : builder_(builder), anchor_(builder.anchor()), axes_(std::get<Dims>(anchor_.attributes.at("axes"))), type_(builder.type(anchor_.operands[0])),
        op_(operation(std::get<std::string>(anchor_.attributes.at("op")), halide_type(type_.element))),
        over_batch_(std::get<bool>(anchor_.attributes.at("batch"))), lanes_(int32(builder.plan().group)), partial_(int32(builder.parameter("partial"))) {
    for (const int32_t node : builder.kernel().nodes)
      if (builder.graph().node(node).op->name == "reduce") nodes_.push_back(&builder.graph().node(node));
    sums_.count = folded_.count = nodes_.size();
    set_domain();
    set_variables();
  }

  Halide::Pipeline build() {
    builder_.set_unroll_limit(16);
    define_sums();
    define_folded();
    for (size_t i = 0; i < nodes_.size(); ++i)
      builder_.provide(nodes_[i]->results[0], [this, i](const Spot& at) { return result(at, i); });
    Results results = define_results(builder_);
    schedule(results);
    return Halide::Pipeline(results.func);
  }

 private:
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

  void define_sums() {
    // Each mentions the domain: of one that no term mentions, Halide makes no loop.
    const Expr counts = over_batch_ ? spot_.image.value < builder_.batch() : domain_[0] >= 0;
    const std::vector<Expr> where = expressions(variables_);
    std::vector<Expr> combined;
    sums_.define(where, std::vector<Expr>(nodes_.size(), op_.neutral));
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Expr element = builder_.element(nodes_[i]->operands[0], spot_);
      combined.push_back(op_.combine(sums_.at(where, i), select(counts, element, op_.neutral)));
    }
    sums_.define(where, combined);
  }

  /// One vector: the parts combined.
  void define_folded() {
    std::vector<Expr> folds(nodes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i)
      for (int32_t part = 0; part < partial_; ++part) {
        std::vector<Expr> where = expressions(folded_variables_);
        where.insert(where.begin() + 1, part);
        folds[i] = folds[i].defined() ? op_.combine(folds[i], sums_.at(where, i)) : sums_.at(where, i);
      }
    folded_.define(expressions(folded_variables_), folds);
  }

  Expr folded(const Expr& lane, const Spot& at, size_t index) const {
    std::vector<Expr> where = {lane};
    for (size_t i = at.at.size(); i-- > 0;) where.push_back(at.at[i].value);
    if (!over_batch_) where.push_back(at.image.parts(lanes_).first);
    return folded_.at(where, index);
  }

  Expr result(const Spot& at, size_t index) const {
    if (!over_batch_) return folded(at.image.parts(lanes_).second, at, index);
    Expr total = folded(0, at, index);
    for (int32_t lane = 1; lane < lanes_; ++lane) total = op_.combine(total, folded(lane, at, index));
    return total;
  }

  void schedule(Results& results) {
    Halide::Func &func = results.func, &sums = sums_.func, &folded = folded_.func;
    sums.bound_extent(part_, partial_).vectorize(lane_, lanes_, Halide::TailStrategy::RoundUp).unroll(part_);
    sums.update().vectorize(lane_, lanes_, Halide::TailStrategy::RoundUp).unroll(part_);
    std::vector<Halide::VarOrRVar> order = {lane_, part_};
    for (int i = 0; i < domain_.dimensions(); ++i) order.emplace_back(domain_[i]);
    sums.update().reorder(order);
    folded.vectorize(lane_, lanes_, Halide::TailStrategy::RoundUp);
    keep_on_stack(sums);
    keep_on_stack(folded);
    if (type_.dims.empty()) {
      sums.compute_root();
      folded.compute_root();
      return;
    }
    const std::vector<Var>& stored = results.stored.variables;
    const Var& innermost = stored[over_batch_ ? 0 : 1];
    sums.compute_at(func, innermost);
    folded.compute_at(func, innermost);
    const auto bytes = static_cast<double>(stored_bytes(type_, builder_.layout(anchor_.operands[0])) * static_cast<int64_t>(nodes_.size()));
    if (!over_batch_) {
      func.vectorize(lane_, lanes_, Halide::TailStrategy::RoundUp);
      parallelize(func, results.batch(), traffic_ns(bytes));
      return;
    }
    // Loops over the axes that are kept; the outermost one of more than one step is parallel.
    constexpr double kLong = 64 << 10;
    if (bytes > kLong && builder_.type(anchor_.results[0]).dims[0] > 1) func.parallel(stored.back());
  }

  KernelBuilder& builder_;
  const Node& anchor_;
  const Dims& axes_;
  const TensorType& type_;
  const Operation op_;
  const bool over_batch_;
  const int32_t lanes_, partial_;
  const Var lane_ = KernelBuilder::lane_variable(), part_{"part"}, n_ = KernelBuilder::batch_variable();
  std::vector<const Node*> nodes_;
  RDom domain_;
  std::vector<Var> folded_variables_, variables_;
  Spot spot_;
  Values sums_{Halide::Func("sums"), 1}, folded_{Halide::Func("folded"), 1};
};

}  // namespace

Halide::Pipeline build_reduce_lanes(KernelBuilder& builder) { return ReductionPass(builder).build(); }

}  // namespace cnnc

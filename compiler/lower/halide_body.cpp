// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// HalideBody: handles are indices of a table of expressions. A reduction becomes a Halide function of the variables that are
// free in its element, or is written out where it is short.
#include "lower/halide_body.h"

#include <limits>
#include <map>
#include <set>

#include "ir/op.h"
#include "lower/numbers.h"
#include "support/check.h"

namespace cnnc {
namespace {

using Halide::Expr;
using Halide::RDom;
using Halide::Var;

Expr combine(Reduction reduction, const Expr& a, const Expr& b) {
  switch (reduction) {
    case Reduction::Sum: return a + b;
    case Reduction::Maximum: return maximum(a, b);
    case Reduction::Minimum: return minimum(a, b);
  }
  return {};
}

Expr neutral(Reduction reduction, Halide::Type type) {
  if (reduction == Reduction::Sum) return Halide::Internal::make_zero(type);
  if (!type.is_float()) return reduction == Reduction::Maximum ? type.min() : type.max();
  const double infinity = std::numeric_limits<double>::infinity();
  return Halide::Internal::make_const(type, reduction == Reduction::Maximum ? -infinity : infinity);
}

/// Variables that an expression uses, other than those of a reduction and parameters; and whether it uses those.
class FreeVariables : public Halide::Internal::IRGraphVisitor {
 public:
  explicit FreeVariables(const RDom& domain) {
    for (int i = 0; i < domain.dimensions(); ++i) bound_.insert(domain[i].name());
  }
  const std::map<std::string, Expr>& found() const { return found_; }
  bool uses_domain() const { return uses_domain_; }

  using IRGraphVisitor::visit;
  void visit(const Halide::Internal::Variable* variable) override {
    if (bound_.contains(variable->name)) {
      uses_domain_ = true;
    } else if (!variable->param.defined() && !variable->image.defined()) {
      found_.emplace(variable->name, Expr(variable));
    }
  }

 private:
  bool uses_domain_ = false;
  std::set<std::string> bound_;
  std::map<std::string, Expr> found_;
};

/// What equal terms give, as many as the domain has places.
Expr combine_equal(Reduction reduction, const RDom& domain, const Expr& term) {
  if (reduction != Reduction::Sum) return term;
  Expr count = 1;
  for (int i = 0; i < domain.dimensions(); ++i) count = count * domain[i].extent();
  return term * Halide::cast(term.type(), count);
}

/// Row-major: the last extent is the innermost loop.
RDom domain_of(const Dims& extents, const Expr* batch) {
  Halide::Region region;
  for (size_t i = extents.size(); i-- > 0;) region.emplace_back(0, static_cast<int32_t>(extents[i]));
  if (batch) region.emplace_back(0, *batch);
  if (region.empty()) region.emplace_back(0, 1);
  return RDom(region);
}

}  // namespace

HalideBody::HalideBody(KernelBuilder& builder, const Node& node) : builder_(builder), node_(node), number_type_(Halide::Float(32)) {
  for (ValueId operand : node.operands) operand_types_.push_back(operand.valid() ? builder.type(operand) : absent_type());
  for (const TensorType& type : operand_types_)
    if (type.element == ElementType::F64) number_type_ = Halide::Float(64);
  for (ValueId result : node.results)
    if (builder.type(result).element == ElementType::F64) number_type_ = Halide::Float(64);
}

Expr HalideBody::evaluate(int result, const Spot& spot) {
  spot_ = spot;
  Point point{add(spot.image), {}};
  for (const Coordinate& coordinate : spot.at) point.at.push_back(add(coordinate));
  const Scalar value = node_.op->define(node_.attributes, *this, result, point);
  return as_number(entry(value).value, halide_type(builder_.type(node_.results[static_cast<size_t>(result)]).element));
}

Scalar HalideBody::add(Coordinate entry) {
  entries_.push_back(std::move(entry));
  return {this, static_cast<int32_t>(entries_.size()) - 1};
}

Scalar HalideBody::add(const Expr& value, bool loaded) {
  Coordinate entry = Coordinate::whole(value);
  entry.loaded = loaded;
  return add(std::move(entry));
}

bool HalideBody::has_operand(int operand) const {
  return static_cast<size_t>(operand) < node_.operands.size() && node_.operands[static_cast<size_t>(operand)].valid();
}

Spot HalideBody::spot_of(int operand, const Point& point) const {
  const Dims& dims = operand_types_.at(static_cast<size_t>(operand)).dims;
  CNNC_CHECK(point.at.size() >= dims.size(), "a point has a coordinate for each axis: " + node_.op->name);
  static const Coordinate zero = Coordinate::whole(Expr(0));
  Spot spot{point.image.body() ? entry(point.image) : zero, {}};
  const size_t dropped = point.at.size() - dims.size();
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    Coordinate coordinate = dims[axis] == 1 ? zero : entry(point.at[dropped + axis]);
    if (coordinate.loaded) coordinate = Coordinate::whole(clamp(coordinate.value, 0, static_cast<int32_t>(dims[axis] - 1)));
    spot.at.push_back(std::move(coordinate));
  }
  return spot;
}

Scalar HalideBody::load(int operand, const Spot& spot) {
  const Expr value = builder_.element(node_.operands[static_cast<size_t>(operand)], spot);
  if (value.type().is_float()) return add(value);
  return add(Halide::cast<int32_t>(value), true);
}

bool HalideBody::is_own_coordinate(const Expr& coordinate, size_t axis, int64_t extent) const {
  const Dims& dims = builder_.type(node_.results[0]).dims;
  return axis < spot_.at.size() && dims[axis] <= extent && coordinate.same_as(spot_.at[axis].value);
}

Scalar HalideBody::at(int operand, const Point& point) { return load(operand, spot_of(operand, point)); }

Scalar HalideBody::at_or(int operand, const Point& point, double outside) {
  const Dims& dims = operand_types_.at(static_cast<size_t>(operand)).dims;
  CNNC_CHECK(point.at.size() == dims.size(), "a point that may lie outside has all coordinates");
  // `likely` lets Halide cut loops where conditions change: most of them then ask for nothing.
  Spot spot{entry(point.image), {}};
  Expr inside;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const Expr& coordinate = entry(point.at[axis]).value;
    const auto last = static_cast<int32_t>(dims[axis] - 1);
    if (is_own_coordinate(coordinate, axis, dims[axis])) {
      spot.at.push_back(entry(point.at[axis]));
      continue;
    }
    const Expr within = coordinate >= 0 && coordinate <= last;
    inside = inside.defined() ? inside && within : within;
    spot.at.push_back(Coordinate::whole(clamp(likely(coordinate), 0, last)));
  }
  const Scalar loaded = load(operand, spot);
  if (!inside.defined()) return loaded;
  const Expr value = entry(loaded).value;
  return add(select(inside, likely(value), Halide::Internal::make_const(value.type(), outside)), entry(loaded).loaded);
}

Scalar HalideBody::number(double value) { return add(Halide::Internal::make_const(number_type_, value)); }

Scalar HalideBody::integer(int64_t value) { return add(Expr(static_cast<int32_t>(value))); }

Scalar HalideBody::to_number(Scalar integer) { return add(as_number(entry(integer).value, number_type_)); }

Scalar HalideBody::to_integer(Scalar number) {
  const Expr value = entry(number).value;
  if (!value.type().is_float()) return number;
  // Beyond the integers (NaN too) a conversion has no meaning.
  const Expr limit = Halide::Internal::make_const(value.type(), 2147483520.0);
  const Expr fits = -limit < value && value < limit;
  return add(Halide::cast<int32_t>(floor(select(fits, value, Halide::Internal::make_const(value.type(), -1)))), true);
}

Scalar HalideBody::apply(ScalarOp op, std::span<const Scalar> operands) {
  std::vector<Expr> values;
  bool loaded = false;
  for (Scalar operand : operands) {
    values.push_back(entry(operand).value);
    loaded = loaded || entry(operand).loaded;
  }
  // Two operands, and the two cases of a selection, have one type.
  if (values.size() >= 2 && op != ScalarOp::And && op != ScalarOp::Or) {
    Expr &a = values[values.size() - 2], &b = values[values.size() - 1];
    if (a.type().is_bool() && b.type().is_bool()) a = as_number(a, Halide::Int(32)), b = as_number(b, Halide::Int(32));
    if (a.type().is_bool()) a = as_number(a, b.type());
    if (b.type().is_bool()) b = as_number(b, a.type());
  }
  return add(apply_scalar(op, values), loaded);
}

Scalar HalideBody::apply(const ScalarExpression& expression, std::span<const Scalar> arguments) {
  std::vector<Expr> values;
  for (const ScalarExpression::Node& node : expression.nodes()) {
    if (node.op == ScalarOp::Argument) {
      values.push_back(as_number(entry(arguments[static_cast<size_t>(node.operands[0])]).value, number_type_));
    } else if (node.op == ScalarOp::Constant) {
      values.push_back(Halide::Internal::make_const(number_type_, node.value));
    } else {
      std::vector<Expr> operands;
      const bool logical = node.op == ScalarOp::And || node.op == ScalarOp::Or || node.op == ScalarOp::Not;
      for (int i = 0; i < scalar_operand_count(node.op); ++i) {
        const Expr& operand = values[static_cast<size_t>(node.operands[i])];
        const bool truth = logical || (node.op == ScalarOp::Select && i == 0);
        operands.push_back(truth ? as_truth(operand) : as_number(operand, number_type_));
      }
      values.push_back(apply_scalar(node.op, operands));
    }
  }
  return add(values.back());
}

Scalar HalideBody::reduce_over(Reduction reduction, const RDom& domain, Scalar element) {
  const bool loaded = this->entry(element).loaded;
  Expr value = this->entry(element).value;
  if (value.type().is_bool()) value = as_number(value, number_type_);
  FreeVariables finder(domain);
  value.accept(&finder);
  // Halide makes no loop over a domain that nothing in the term mentions: such as that of a value broadcast before.
  if (!finder.uses_domain()) return add(combine_equal(reduction, domain, value), loaded);
  // Variables of an enclosing reduction become parameters of this one under the same name.
  ReductionFunc entry{Halide::Func("reduction"), {}, {}};
  std::vector<Var>& variables = entry.variables;
  std::vector<Expr> arguments;
  for (const auto& [name, variable] : finder.found()) {
    variables.emplace_back("free" + std::to_string(variables.size()));
    value = Halide::Internal::substitute(name, variables.back(), value);
    arguments.push_back(variable);
    entry.names.push_back(name);
    entry.is_nested = entry.is_nested || variable.as<Halide::Internal::Variable>()->reduction_domain.defined();
  }
  Halide::Func& func = entry.func;
  func(variables) = neutral(reduction, value.type());
  func(variables) = combine(reduction, func(variables), value);
  const Expr result = func(arguments);
  builder_.reductions().push_back(std::move(entry));
  return add(result, loaded);
}

Scalar HalideBody::reduce(Reduction reduction, const Dims& extents,
                          const std::function<Scalar(std::span<const Scalar> indices)>& element) {
  const int64_t count = element_count(extents);
  if (count <= builder_.unroll_limit()) {
    Expr sum;
    bool loaded = false;
    for (int64_t i = 0; i < count; ++i) {
      std::vector<Scalar> indices(extents.size());
      int64_t rest = i;
      for (size_t axis = extents.size(); axis-- > 0; rest /= extents[axis]) indices[axis] = integer(rest % extents[axis]);
      const Coordinate term = entry(element(indices));
      loaded = loaded || term.loaded;
      sum = sum.defined() ? combine(reduction, sum, term.value) : term.value;
    }
    return add(sum, loaded);
  }
  const RDom domain = domain_of(extents, nullptr);
  std::vector<Scalar> indices(extents.size());
  for (size_t axis = 0; axis < extents.size(); ++axis) indices[axis] = add(Expr(domain[static_cast<int>(extents.size() - 1 - axis)]));
  return reduce_over(reduction, domain, element(indices));
}

Scalar HalideBody::reduce_batch(Reduction reduction, const Dims& extents,
                                const std::function<Scalar(Scalar image, std::span<const Scalar> indices)>& element) {
  const Expr batch = builder_.batch();
  const RDom domain = domain_of(extents, &batch);
  std::vector<Scalar> indices(extents.size());
  for (size_t axis = 0; axis < extents.size(); ++axis) indices[axis] = add(Expr(domain[static_cast<int>(extents.size() - 1 - axis)]));
  const Scalar image = add(Expr(domain[domain.dimensions() - 1]));
  return reduce_over(reduction, domain, element(image, indices));
}

Scalar HalideBody::batch_size() { return add(builder_.batch()); }

Scalar HalideBody::random(std::span<const Scalar> integers) {
  std::vector<Expr> values;
  for (Scalar integer : integers) values.push_back(entry(integer).value);
  return add(random_uniform_expression(values, number_type_));
}

}  // namespace cnnc

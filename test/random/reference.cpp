// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Walks a function forward, then backward from its loss, and asks the tables of ops.
#include "test/random/reference.h"

#include <fmt/format.h>

#include "support/check.h"

namespace cnnc::random_programs {
namespace {

const ReferenceOp* find_reference(std::string_view name) {
  for (const auto table : {window_reference_ops(), norm_reference_ops(), plain_reference_ops()})
    for (const ReferenceOp& op : table)
      if (op.name == name) return &op;
  return nullptr;
}

class Walk {
 public:
  Walk(const Function& function, std::span<const Tensor> arguments, int64_t images, Mode mode, const RandomKey& key)
      : function_(function), images_(images), mode_(mode), key_(key), values_(static_cast<size_t>(function.graph.value_count())),
        gradients_(values_.size()) {
    CNNC_CHECK(arguments.size() == function.arguments.size(), "the evaluator gets all arguments");
    for (size_t i = 0; i < arguments.size(); ++i) value(function.arguments[i].value) = arguments[i];
  }

  void forward() {
    for (const Node& node : function_.graph.nodes()) {
      ReferenceNode work = describe(node);
      std::vector<Tensor> results;
      for (const ValueId result : node.results) results.push_back(zeros(function_.graph.type(result), images_));
      work.out = &results;
      reference_of(node).forward(work);
      for (size_t i = 0; i < results.size(); ++i) value(node.results[i]) = std::move(results[i]);
    }
  }

  /// From the mean of `loss` over the images.
  void backward(ValueId loss) {
    Tensor& seed = gradient(loss);
    seed = zeros(function_.graph.type(loss), images_);
    for (Bounded& element : seed.at) element = exact(1) / exact(static_cast<double>(images_));
    const auto& nodes = function_.graph.nodes();
    for (size_t n = nodes.size(); n-- > 0;) visit_backward(nodes[n]);
  }

  Tensor& value(ValueId id) { return values_[static_cast<size_t>(id.index)]; }
  Tensor& gradient(ValueId id) { return gradients_[static_cast<size_t>(id.index)]; }

 private:
  static const ReferenceOp& reference_of(const Node& node) {
    const ReferenceOp* op = find_reference(node.op->name);
    CNNC_CHECK(op, fmt::format("test/random has no reference for `{}`: add it to one of the files reference_*.cpp", node.op->name));
    return *op;
  }

  ReferenceNode describe(const Node& node) {
    ReferenceNode work;
    work.node = &node;
    work.images = images_;
    work.mode = mode_;
    work.key = &key_;
    for (const ValueId operand : node.operands) work.in.push_back(operand.valid() ? &value(operand) : nullptr);
    return work;
  }

  void visit_backward(const Node& node) {
    const ReferenceOp& op = reference_of(node);
    ReferenceNode work = describe(node);
    bool any = false;
    std::vector<Tensor> results;
    for (const ValueId result : node.results) {
      const Tensor& dy = gradient(result);
      work.d_out.push_back(dy.at.empty() ? nullptr : &dy);
      any = any || work.d_out.back();
      results.push_back(value(result));
    }
    if (!any || !op.backward) return;
    work.out = &results;
    for (const ValueId operand : node.operands) {
      const bool number = operand.valid() && function_.graph.type(operand).element != ElementType::I32;
      if (number && gradient(operand).at.empty()) gradient(operand) = zeros(function_.graph.type(operand), images_);
      work.d_in.push_back(number ? &gradient(operand) : nullptr);
    }
    op.backward(work);
  }

  const Function& function_;
  int64_t images_;
  Mode mode_;
  const RandomKey& key_;
  std::vector<Tensor> values_, gradients_;      // by value
};

}  // namespace

bool has_reference(std::string_view op) { return find_reference(op) != nullptr; }

Reference evaluate(const Function& function, std::span<const Tensor> arguments, int64_t images, Mode mode, const RandomKey& key) {
  Walk walk(function, arguments, images, mode, key);
  walk.forward();
  Reference reference;
  const Port* loss = nullptr;
  for (const Port& port : function.results) {
    reference.results.push_back(walk.value(port.value));
    if (port.role == Role::Loss) loss = &port;
  }
  if (loss && mode == Mode::Training) walk.backward(loss->value);
  for (const Port& port : function.arguments) {
    Tensor gradient;
    if (loss && mode == Mode::Training && port.role == Role::Weight) {
      gradient = walk.gradient(port.value);
      if (gradient.at.empty()) gradient = zeros(function.graph.type(port.value), images);
    }
    reference.gradients.push_back(std::move(gradient));
  }
  return reference;
}

}  // namespace cnnc::random_programs

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tests' own evaluator: a function of the network's graph, as sema makes it (composite ops, no passes), → its results and
// the gradients of all weights. Naive loops op by op in double precision, with error bounds (bounded.h). It shares nothing
// with the definitions, expansions, gradient rules and scalar arithmetic of the compiler; it reads the graph's data only.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/op.h"
#include "test/random/tensor.h"

namespace cnnc::random_programs {

/// What random draws depend on. A negative epoch switches dropout off, as `gradients` of a built program does.
struct RandomKey {
  int64_t seed = 0, epoch = -1;
  std::vector<int64_t> samples;       // each image's number in the epoch
};

struct Reference {
  std::vector<Tensor> results;        // in the order of the function's result ports
  std::vector<Tensor> gradients;      // by argument; empty where the argument is no weight, or where there is no loss
};

/// `arguments` in the order of the function's. Gradients are those of the mean loss over the images.
Reference evaluate(const Function& function, std::span<const Tensor> arguments, int64_t images, Mode mode, const RandomKey& key);

/// Whether the evaluator knows the op.
bool has_reference(std::string_view op);

/// Until the end of the block convolutions of 3x3 taps may be computed by Winograd's algorithm, which rounds more.
class WithWinograd {
 public:
  explicit WithWinograd(bool allowed) : before_(allowed_) { allowed_ = allowed; }
  ~WithWinograd() { allowed_ = before_; }
  WithWinograd(const WithWinograd&) = delete;
  WithWinograd& operator=(const WithWinograd&) = delete;
  static bool allowed() { return allowed_; }

 private:
  static inline thread_local bool allowed_ = false;
  bool before_;
};

// ---- for reference_*.cpp

/// One node while it is computed forward or backward.
struct ReferenceNode {
  const Node* node = nullptr;
  std::vector<const Tensor*> in;      // null: an optional operand that is absent
  std::vector<Tensor>* out = nullptr;
  std::vector<Tensor*> d_in;          // to be added to; null where the operand has no gradient
  std::vector<const Tensor*> d_out;   // null where the loss does not depend on the result
  int64_t images = 1;
  Mode mode = Mode::Training;
  const RandomKey* key = nullptr;

  template <class T>
  const T& attribute(std::string_view name) const { return std::get<T>(node->attributes.find(name)->second); }
  /// How many images a result is computed for: one where it is not batched.
  int64_t repetitions(const Tensor& result) const { return result.type.batched ? images : 1; }
};

struct ReferenceOp {
  std::string_view name;
  void (*forward)(ReferenceNode&);      // results are allocated, zero
  void (*backward)(ReferenceNode&);     // null: no gradient
};
std::span<const ReferenceOp> window_reference_ops();      // convolution, pooling
std::span<const ReferenceOp> norm_reference_ops();        // batchnorm, softmax, losses
std::span<const ReferenceOp> plain_reference_ops();       // the others

/// The value of an expression at one element, and its derivatives times `seed` by argument (empty: not asked for).
Bounded evaluate_expression(const ScalarExpression& expression, std::span<const Bounded> arguments);
std::vector<Bounded> differentiate_expression(const ScalarExpression& expression, std::span<const Bounded> arguments, const Bounded& seed);

/// Adds to the errors of y what Winograd's algorithm may add, with the larger of its tiles. `weight`: of an output, an input and
/// one of nine taps. `pad`: above and left.
void add_winograd_errors(Tensor& y, const Tensor& x, const std::function<double(int64_t output, int64_t input, int64_t tap)>& weight, const Dims& pad,
                         int64_t images);
/// The same for the gradient towards the weight.
void add_winograd_weight_errors(Tensor& dweight, const Tensor& x, const Tensor& dy, const Dims& pad, int64_t images);

/// exp and log with the error that implementations in single precision have.
Bounded exponential(const Bounded& x);
Bounded logarithm(const Bounded& x);
Bounded square_root(const Bounded& x);

}  // namespace cnnc::random_programs

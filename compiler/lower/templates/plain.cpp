// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `plain`: the definition of the op, one loop nest, no vectors, in any layout. What the other templates are tested against, and
// what an op without a template of its own gets.
#include "lower/kernel_builder.h"
#include "lower/numbers.h"

namespace cnnc {

Halide::Pipeline build_plain(KernelBuilder& builder) {
  std::vector<Halide::Func> results;
  for (ValueId value : builder.kernel().writes) {
    const StoredVariables stored = builder.variables(value);
    Halide::Func result("w" + std::to_string(results.size()));
    result(stored.variables) = builder.element(value, stored.spot);
    builder.fix_output(result.output_buffer(), value, true);
    results.push_back(result);
  }
  return Halide::Pipeline(results);
}

}  // namespace cnnc

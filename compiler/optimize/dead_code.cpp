// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Nodes that no result depends on drop out. Arguments stay, also unused ones: they are the function's signature.
#include "ir/rewrite.h"
#include "optimize/passes.h"

namespace cnnc {

Function remove_dead_code(const Function& function) { return remove_dead_nodes(function); }

}  // namespace cnnc

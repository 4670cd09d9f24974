// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where `import name` looks: the folder `library` beside the compiler.
#pragma once
#include <string>

namespace cnnc {

/// The folder; empty where there is none.
std::string library_folder();

}  // namespace cnnc

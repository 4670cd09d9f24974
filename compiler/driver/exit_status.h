// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What `cnnc` tells the program that started it.
#pragma once

namespace cnnc {

enum ExitStatus : int {
  kDone = 0,
  kInputWrong = 1,      // diagnostics were printed
  kUsageWrong = 2,      // an unknown command or option
  kInternalError = 70,  // a defect of the compiler
};

}  // namespace cnnc

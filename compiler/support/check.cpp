// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The failing side of CNNC_CHECK: condition and place → InternalError.
#include "support/check.h"

#include <fmt/format.h>

namespace cnnc {

void fail_check(const char* condition, const char* file, int line, const std::string& message) {
  throw InternalError(fmt::format("{} ({}:{}: `{}` does not hold)", message, file, line, condition));
}

}  // namespace cnnc

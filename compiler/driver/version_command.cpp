// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc version`: the compiler's version and the version of the language that it reads.
#include <fmt/format.h>

#include "driver/exit_status.h"
#include "driver/subcommand.h"

namespace cnnc {

Subcommand version_subcommand() {
  return {"version", "print the version", "", [](CLI::App&) -> Action {
            return [] {
              fmt::print("cnnc {}, language 1\n", CNNC_VERSION);
              return static_cast<int>(kDone);
            };
          }};
}

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a path of the data setting lies: as given, below $CNNC_DATA, below the system's folder of data sets.
#pragma once
#include <string>

namespace cnnc::runtime {

/// The first place that exists; otherwise throws Failure that lists all places tried. Absolute paths have one place.
std::string find_data(const std::string& path);

}  // namespace cnnc::runtime

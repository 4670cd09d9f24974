// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiler lies in PREFIX/bin or, in its own build folder, in REPOSITORY/build/PRESET/bin.
#include "driver/library_folder.h"

#include <filesystem>

namespace cnnc {

std::string library_folder() {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (int level = 0; level < 4 && !error && !folder.empty(); ++level, folder = folder.parent_path())
    if (std::filesystem::is_directory(folder / "library", error)) return (folder / "library").string();
    else error.clear();
  return {};
}

}  // namespace cnnc

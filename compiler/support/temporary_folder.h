// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Folders for files that only this compilation needs, below $TMPDIR, or /tmp where that is none. A process that may be killed cannot remove its own:
// the one that watches it makes a folder and says that all others are made inside, and removes it with what they left.
// Tests: test/support/temporary_folder_test.cpp, test/driver/killed_compiles.test
#pragma once
#include <string>

namespace cnnc {

/// A folder that goes, with all that is in it, when this object does.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  /// False where it cannot be made; `error()` says why.
  bool exists() const { return !path_.empty(); }
  const std::string& error() const { return error_; }
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_, error_;
};

/// From now on this process and its children make their temporary folders inside this one; empty: where the environment says.
void make_temporary_folders_in(const std::string& folder);

}  // namespace cnnc

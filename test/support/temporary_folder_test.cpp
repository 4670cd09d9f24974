// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where temporary folders are made, and that they go.
#include "support/temporary_folder.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>

namespace cnnc {
namespace {

namespace fs = std::filesystem;

TEST(TemporaryFolder, GoesWithAllThatIsInIt) {
  std::optional<TemporaryFolder> folder(std::in_place);
  ASSERT_TRUE(folder->exists());
  const std::string path = folder->path();
  fs::create_directories(folder->file("a/b"));
  std::ofstream(folder->file("a/b/c")) << "text";
  EXPECT_TRUE(fs::exists(path + "/a/b/c"));
  folder.reset();
  EXPECT_FALSE(fs::exists(path));
}

TEST(TemporaryFolder, IsMadeInsideTheChosenOne) {
  const TemporaryFolder outer;
  make_temporary_folders_in(outer.path());
  const TemporaryFolder inner;
  make_temporary_folders_in({});
  const TemporaryFolder beside;
  EXPECT_EQ(fs::path(inner.path()).parent_path(), outer.path());
  EXPECT_EQ(fs::path(beside.path()).parent_path(), fs::path(outer.path()).parent_path());
}

TEST(TemporaryFolder, IsBelowTmpdirOrElseInTmp) {
  const TemporaryFolder users;
  setenv("TMPDIR", users.path().c_str(), 1);
  EXPECT_EQ(fs::path(TemporaryFolder().path()).parent_path(), users.path());
  setenv("TMPDIR", users.file("none").c_str(), 1);
  EXPECT_EQ(fs::path(TemporaryFolder().path()).parent_path(), "/tmp");
  unsetenv("TMPDIR");
}

TEST(TemporaryFolder, SaysWhyThereIsNone) {
  make_temporary_folders_in("/proc/none");
  const TemporaryFolder folder;
  make_temporary_folders_in({});
  EXPECT_FALSE(folder.exists());
  EXPECT_EQ(folder.error(), "no temporary folder can be made in /proc/none: No such file or directory");
}

}  // namespace
}  // namespace cnnc

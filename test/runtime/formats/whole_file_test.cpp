// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A file is written whole or not at all, whatever fails; the one before survives; only files are read.
#include "runtime/formats/whole_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "failing_calls.h"
#include "helpers.h"

namespace cnnc::formats {
namespace {

using Names = std::vector<std::string>;

TEST(WholeFile, writes_and_replaces) {
  const TemporaryFolder folder;
  write_file(folder.file("a"), "old");
  write_file(folder.file("a"), "new text");
  EXPECT_EQ(read_text(folder.file("a")), "new text");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(WholeFile, keeps_permissions_of_the_old_file) {
  const TemporaryFolder folder;
  write_file(folder.file("a"), "old");
  ::chmod(folder.file("a").c_str(), 0640);
  write_file(folder.file("a"), "new");
  struct stat status;
  ASSERT_EQ(::stat(folder.file("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(WholeFile, short_and_interrupted_writes_are_continued) {
  const TemporaryFolder folder;
  {
    const TroubledWrites troubled;
    write_file(folder.file("a"), "0123456789");
  }
  EXPECT_EQ(read_text(folder.file("a")), "0123456789");
}

TEST(WholeFile, nothing_appears_without_commit) {
  const TemporaryFolder folder;
  write_file(folder.file("a"), "old");
  {
    WholeFileWriter writer(folder.file("a"));
    writer.write("half of the new");
    EXPECT_EQ(read_text(folder.file("a")), "old");
  }
  EXPECT_EQ(read_text(folder.file("a")), "old");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(WholeFile, rotation_keeps_the_one_before) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_file(path, "first", Rotation::kKeepPrevious);
  EXPECT_EQ(folder.names(), Names{"a"});
  write_file(path, "second", Rotation::kKeepPrevious);
  write_file(path, "third", Rotation::kKeepPrevious);
  EXPECT_EQ(read_text(path), "third");
  EXPECT_EQ(read_text(previous_path(path)), "second");
  EXPECT_EQ(folder.names(), (Names{"a", "a.previous"}));
}

TEST(WholeFile, replacing_a_damaged_file_keeps_the_one_before) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_file(path, "good", Rotation::kKeepPrevious);
  write_file(path, "damaged later", Rotation::kKeepPrevious);
  write_file(path, "new", Rotation::kReplace);
  EXPECT_EQ(read_text(path), "new");
  EXPECT_EQ(read_text(previous_path(path)), "good");
}

/// Every system call fails once, for both rotations: the old file, or the new one, is whole at all times.
TEST(WholeFile, any_failing_call_leaves_a_whole_file) {
  for (const Rotation rotation : {Rotation::kReplace, Rotation::kKeepPrevious}) {
    int number = 0;
    for (bool happened = true; happened; ++number) {
      const TemporaryFolder folder;
      const std::string path = folder.file("a");
      write_file(path, "old");
      bool refused = false;
      {
        const FailingCall failing(number, ENOSPC);
        try {
          write_file(path, "new", rotation);
        } catch (const FormatError& error) {
          refused = true;
          EXPECT_EQ(error.kind(), ErrorKind::kInputOutput);
          EXPECT_NE(std::string(error.what()).find("No space left on device"), std::string::npos) << error.what();
        }
        happened = failing.happened();
      }
      EXPECT_EQ(refused, happened);
      const std::string text = read_text(path);
      const bool durable_folder_failed = refused && text == "new";
      EXPECT_TRUE(text == (refused ? "old" : "new") || durable_folder_failed) << "call " << number << " left " << text;
      for (const std::string& name : folder.names()) EXPECT_EQ(name.find("partial"), std::string::npos) << name;
      write_file(path, "next", rotation);
      EXPECT_EQ(read_text(path), "next");
    }
    const int calls = number - 1;
    EXPECT_EQ(calls, rotation == Rotation::kReplace ? 6 : 7);  // ftruncate, fchmod, write, fsync, (rename,) rename, fsync
  }
}

TEST(WholeFile, full_disk_keeps_the_old_file) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_file(path, "old");
  rlimit before;
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Refusal refusal = refusal_of([&] { write_file(path, std::string(5000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(refusal, (Refusal{ErrorKind::kInputOutput, path + ": cannot write this file: File too large"}));
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(WholeFile, killed_writer_leaves_the_old_file_and_the_next_write_works) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  write_file(path, "old");
  const pid_t child = ::fork();
  if (child == 0) {
    WholeFileWriter writer(path);
    writer.write("half of a much longer new text");
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(folder.names(), (Names{".a.partial", "a"}));
  write_file(path, "new");
  EXPECT_EQ(read_text(path), "new");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(WholeFile, second_writer_is_refused) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  WholeFileWriter first(path);
  first.write("first");
  const Refusal refusal = refusal_of([&] { WholeFileWriter second(path); });
  EXPECT_EQ(refusal, (Refusal{ErrorKind::kInputOutput, path + ": is being written by another process"}));
  first.commit();
  EXPECT_EQ(read_text(path), "first");
}

TEST(WholeFile, link_stays_a_link) {
  const TemporaryFolder folder;
  write_file(folder.file("target"), "old");
  ASSERT_EQ(::symlink("target", folder.file("link").c_str()), 0);
  write_file(folder.file("link"), "new", Rotation::kKeepPrevious);
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
  EXPECT_EQ(read_text(folder.file("target")), "new");
  EXPECT_EQ(read_text(previous_path(folder.file("link"))), "old");
}

TEST(WholeFile, refuses_targets_that_are_no_files) {
  const TemporaryFolder folder;
  EXPECT_EQ(refusal_of([&] { write_file(folder.path(), "x"); }),
            (Refusal{ErrorKind::kInputOutput, folder.path() + ": is a folder, expected a file"}));
  EXPECT_EQ(refusal_of([] { write_file("/dev/null", "x"); }),
            (Refusal{ErrorKind::kInputOutput, "/dev/null: is a device, expected a file"}));
  const std::string path = folder.file("none/a");
  EXPECT_EQ(refusal_of([&] { write_file(path, "x"); }),
            (Refusal{ErrorKind::kMissing, path + ": cannot create a file in this folder: No such file or directory"}));
  EXPECT_EQ(folder.names(), Names{});
}

TEST(ReadFile, refuses_what_is_no_file) {
  const TemporaryFolder folder;
  EXPECT_EQ(refusal_of([&] { read_file(folder.path(), 10); }),
            (Refusal{ErrorKind::kInputOutput, folder.path() + ": is a folder, expected a file"}));
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(refusal_of([&] { read_file(folder.file("pipe"), 10); }),
            (Refusal{ErrorKind::kInputOutput, folder.file("pipe") + ": is a pipe, expected a file"}));
  EXPECT_EQ(refusal_of([] { read_file("/dev/zero", 10); }),
            (Refusal{ErrorKind::kInputOutput, "/dev/zero: is a device, expected a file"}));
  EXPECT_EQ(refusal_of([&] { read_file(folder.file("none"), 10); }),
            (Refusal{ErrorKind::kMissing, folder.file("none") + ": cannot open this file: No such file or directory"}));
}

TEST(ReadFile, refuses_more_than_the_limit) {
  const TemporaryFolder folder;
  write_file(folder.file("a"), "12345");
  EXPECT_EQ(text_of(read_file(folder.file("a"), 5)), "12345");
  EXPECT_EQ(refusal_of([&] { read_file(folder.file("a"), 4); }),
            (Refusal{ErrorKind::kLimit, folder.file("a") + ": has 5 bytes, more than the limit of 4"}));
}

TEST(ReadFile, message_escapes_the_name) {
  EXPECT_EQ(refusal_of([] { read_file("/none/\x1b[2J", 4); }).message,
            "/none/\\u{1b}[2J: cannot open this file: No such file or directory");
}

}  // namespace
}  // namespace cnnc::formats

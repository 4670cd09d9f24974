// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What people see of a run.
#include "tune/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace cnnc::test {
namespace {

KernelState state(const std::string& label, double before, double after) {
  KernelState made;
  made.task.label = label;
  made.task.multiply_adds = 1e6;
  made.best = {"conv.direct", {}};
  made.before = before, made.after = after, made.trials = 7;
  return made;
}

/// Of text in UTF-8.
int characters(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

std::string shown(const ProgressOptions& options, const std::function<void(Progress&)>& happens) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  Progress progress(options, out);
  happens(progress);
  std::fclose(out);
  const std::string result(text, size);
  std::free(text);
  return result;
}

TEST(Progress, ShowsEachKernelInATable) {
  const auto table = table_of({state("conv1", 30e-6, 20e-6), state("a\033name", 2e-3, 2e-3)}, {.peak = 1e11}, 125);
  ASSERT_EQ(table.size(), 4u);
  EXPECT_EQ(table[0], "kernel         template                      now      best   gain   peak trials");
  EXPECT_EQ(table[1], "conv1          conv.direct               30.0 us   20.0 us  1.50x   50 %      7");
  EXPECT_EQ(table[2].find('\033'), std::string::npos);
  EXPECT_EQ(table[3], "2:05 left; Ctrl-C ends and keeps what was found");
}

TEST(Progress, FitsTheTerminal) {
  const std::vector<KernelState> many(30, state("conv", 1e-6, 1e-6));
  const auto table = table_of(many, {.counts_trials = true, .rows = 10}, 3);
  EXPECT_LE(table.size(), 10u);
  EXPECT_EQ(table[table.size() - 2], "and 24 other kernels");
  EXPECT_EQ(table.back(), "3 trials left");
  // No row wraps; a wide terminal has room for long names.
  const std::string name = "stage1.residual1.conv_norm1.conv1";
  KernelState one = state(name, 1e-6, 1e-6);
  one.best.name = "conv.lanes_winograd_grad_weight";
  for (const int columns : {20, 80, 94, 120, 300})
    for (const std::string& row : table_of({one}, {.columns = columns}, 3)) EXPECT_LT(characters(row), std::max(80, columns));
  EXPECT_NE(table_of({one}, {.columns = 120}, 3)[1].find(name + " "), std::string::npos);
}

TEST(Progress, DrawsOverTheTableOnATerminalOnly) {
  const auto happens = [](Progress& progress) {
    progress.state({state("conv1", 30e-6, 30e-6)}, 9);
    progress.trial({.label = "conv1", .schedule = {"conv.direct", {{"rows", 2}}}, .result = {.outcome = Outcome::Failed, .failure = "ended by signal 11"}}, nullptr);
    progress.state({state("conv1", 30e-6, 20e-6)}, 8);
  };
  const std::string lines = shown({}, happens), drawn = shown({.is_terminal = true}, happens);
  EXPECT_EQ(lines.find('\033'), std::string::npos);
  EXPECT_NE(lines.find("conv1: conv.direct(rows: 2): not used: ended by signal 11\n"), std::string::npos);
  EXPECT_EQ(lines.find("20.0 us"), std::string::npos) << "the table stands once, at the beginning";
  EXPECT_NE(drawn.find("\033[3A\033[J"), std::string::npos);
  EXPECT_NE(drawn.find("20.0 us"), std::string::npos);
}

}  // namespace
}  // namespace cnnc::test

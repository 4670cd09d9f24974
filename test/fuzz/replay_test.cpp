// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gives every file of corpus/TARGET to its target. A name that begins with `refused` is of a file that the reader must refuse (what
// once crashed it, mostly), any other must be accepted: a corpus of files that all fail at their first byte would show nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "target.h"

namespace cnnc::fuzz {
namespace {

struct Target {
  std::string name;
  bool (*function)(Bytes);
};

const Target kTargets[] = {
#define TARGET(name) {#name, name},
#include "fuzz/targets.inc"
#undef TARGET
};

struct Entry {
  Target target;
  std::filesystem::path path;
};

std::string test_name(const std::string& text) {
  std::string result = text;
  std::replace_if(result.begin(), result.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
  return result;
}

std::vector<Entry> corpus() {
  std::vector<Entry> entries;
  for (const Target& target : kTargets) {
    std::error_code none;   // A target without a folder is a failure of EveryTargetHasAnAcceptedFile.
    for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(CORPUS) / target.name, none)) entries.push_back({target, file.path()});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.path < b.path; });
  return entries;
}

bool must_be_refused(const Entry& entry) { return entry.path.filename().string().starts_with("refused"); }

std::string content(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class Replay : public testing::TestWithParam<Entry> {};

TEST_P(Replay, IsAcceptedOrRefusedAsItsNameSays) {
  const std::string bytes = content(GetParam().path);
  const std::clock_t start = std::clock();
  EXPECT_EQ(GetParam().target.function(std::as_bytes(std::span(bytes))), !must_be_refused(GetParam()));
  // Time of the processor, so that a busy machine changes nothing; sanitizers take three times as long.
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 5);
}

INSTANTIATE_TEST_SUITE_P(Corpus, Replay, testing::ValuesIn(corpus()), [](const auto& test) {
  return test_name(test.param.target.name + "_" + test.param.path.filename().string());
});

class EveryTarget : public testing::TestWithParam<Target> {};

TEST_P(EveryTarget, HasAnAcceptedFile) {
  const std::vector<Entry> entries = corpus();
  EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.target.name == GetParam().name && !must_be_refused(entry); }));
}

TEST_P(EveryTarget, SurvivesNoBytesAndCutFiles) {
  GetParam().function({});
  for (const Entry& entry : corpus()) {
    if (entry.target.name != GetParam().name) continue;
    const std::string bytes = content(entry.path);
    for (size_t part = 1; part < 8; ++part) GetParam().function(std::as_bytes(std::span(bytes)).first(bytes.size() * part / 8));
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, EveryTarget, testing::ValuesIn(kTargets), [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace cnnc::fuzz

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Texts that a unit test makes, compared with a file beside the test. With CNNC_UPDATE_EXPECTED=1 in the environment the file is
// written anew: read the difference before you commit it.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace cnnc::test {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Compares line by line and shows the first that differs.
inline void expect_as_in_file(const std::string& path, const std::string& text) {
  if (std::getenv("CNNC_UPDATE_EXPECTED") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  const auto wanted = lines_of(content.str()), found = lines_of(text);
  ASSERT_FALSE(wanted.empty()) << path << " is empty or missing";
  for (size_t i = 0; i < std::max(wanted.size(), found.size()); ++i) {
    const std::string right = i < wanted.size() ? wanted[i] : "(the end)", given = i < found.size() ? found[i] : "(the end)";
    ASSERT_EQ(given, right) << path << ", line " << i + 1;
  }
}

}  // namespace cnnc::test

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mkdtemp and remove_all.
#include "support/temporary_folder.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "support/text.h"

namespace cnnc {
namespace {

/// Set once in a process, before it has threads.
std::string& chosen_place() {
  static std::string place;
  return place;
}

/// Where a folder may be made, the best place first. Absolute, so that no path begins as an option of a command does.
std::vector<std::string> places() {
  if (!chosen_place().empty()) return {chosen_place()};
  const char* users = std::getenv("TMPDIR");
  if (!users || !*users) return {"/tmp"};
  return {std::filesystem::absolute(users).string(), "/tmp"};
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  for (const std::string& place : places()) {
    std::string pattern = place + "/cnnc-XXXXXX";
    if (mkdtemp(pattern.data())) {
      path_ = pattern;
      return;
    }
    error_ = fmt::format("no temporary folder can be made in {}: {}", escape_control(place), std::strerror(errno));
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (exists()) std::filesystem::remove_all(path_, ignored);
}

void make_temporary_folders_in(const std::string& folder) { chosen_place() = folder; }

}  // namespace cnnc

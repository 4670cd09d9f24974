// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Small text files of the system, /proc and /sys. By the C library's streams: those of C++ would add 0.5 MB to every program.
#pragma once
#include <cstdio>
#include <string>

namespace cnnc::runtime {

/// The whole text; empty where it cannot be read.
inline std::string read_system_file(const char* path) {
  std::string text;
  std::FILE* file = std::fopen(path, "re");
  if (!file) return text;
  char buffer[4096];
  for (size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, got);
  std::fclose(file);
  return text;
}

/// The rest of the first line that begins with `key`; empty where there is none.
inline std::string line_after(const std::string& text, const std::string& key) {
  size_t at = text.starts_with(key) ? 0 : text.find("\n" + key);
  if (at == std::string::npos) return {};
  at += key.size() + (at == 0 && text.starts_with(key) ? 0 : 1);
  return text.substr(at, text.find('\n', at) - at);
}

}  // namespace cnnc::runtime

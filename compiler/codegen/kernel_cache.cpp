// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bitcode of kernels on disk: one file an entry, FOLDER/KEY.bc, written whole under a temporary name and renamed.
#include "codegen/kernel_cache.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "codegen/kernels.h"

namespace cnnc {
namespace {

uint64_t fnv1a(std::string_view text, uint64_t hash) {
  for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

// An entry ends with the fingerprint of its contents, so that a damaged one is recompiled and not believed.
constexpr size_t kSealLength = 32;

std::string entry_path(const std::string& folder, const std::string& key) { return folder + "/" + key + ".bc"; }

}  // namespace

std::string fingerprint(std::string_view text) {
  return fmt::format("{:016x}{:016x}", fnv1a(text, 0xcbf29ce484222325u), fnv1a(text, 0x84222325cbf29ce4u));
}

std::string compiler_identity() {
  struct stat info {};
  if (stat("/proc/self/exe", &info) != 0) return fmt::format("pid {}", getpid());
  return fmt::format("{}.{:09} {}", info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size);
}

std::string default_cache_folder() {
  if (const char* folder = std::getenv("CNNC_CACHE")) return folder;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache) return std::string(cache) + "/cnnc";
  if (const char* home = std::getenv("HOME"); home && *home) return std::string(home) + "/.cache/cnnc";
  return {};
}

std::optional<std::string> read_cached(const std::string& folder, const std::string& key) {
  if (folder.empty()) return std::nullopt;
  std::ifstream in(entry_path(folder, key), std::ios::binary);
  if (!in) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.size() < kSealLength) return std::nullopt;
  const std::string seal = text.substr(text.size() - kSealLength);
  text.resize(text.size() - kSealLength);
  if (fingerprint(text) != seal) return std::nullopt;
  return text;
}

void write_cached(const std::string& folder, const std::string& key, std::string_view contents) {
  if (folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string temporary = fmt::format("{}/{}.{}.tmp", folder, key, getpid());
  {
    std::ofstream out(temporary, std::ios::binary);
    out << contents << fingerprint(contents);
    if (!out.flush()) {
      std::filesystem::remove(temporary, error);
      return;
    }
  }
  std::filesystem::rename(temporary, entry_path(folder, key), error);
  if (error) std::filesystem::remove(temporary, error);
}

}  // namespace cnnc

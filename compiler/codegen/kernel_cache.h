// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bitcode of kernels on disk, by a hash of everything that it depends on: signature, target, options, and this compiler.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace cnnc {

/// 32 hexadecimal digits (two 64-bit FNV-1a hashes with different bases): names kernels and cache entries.
std::string fingerprint(std::string_view text);

/// Identifies the compiler's own code: version, size and time of its executable. Entries of other builds are never used.
std::string compiler_identity();

std::optional<std::string> read_cached(const std::string& folder, const std::string& key);
/// Best effort: a cache that cannot be written is no error.
void write_cached(const std::string& folder, const std::string& key, std::string_view contents);

}  // namespace cnnc

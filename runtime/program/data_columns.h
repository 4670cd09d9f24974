// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arrays of files → the columns that the program wants, with every check: counts, shapes, types, label values, finiteness.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/program/dataset.h"

namespace cnnc::runtime {

/// An array as it was read; dims[0] counts samples. `column` is the name given in the data setting, often empty.
struct LoadedArray {
  std::string column;
  std::string file;
  formats::ElementType type{};
  std::vector<uint64_t> dims;
  std::vector<std::byte> bytes;
  const cnn_column* wanted = nullptr;
  std::vector<FilePiece> pieces = {};   // empty: all samples lie in `file`, nobody knows where
};

LoadedArray load_array(const std::string& column, const std::string& path);

/// Assigns arrays to columns (unnamed ones: the only input, then the label) and checks them. Throws Failure where more samples
/// are bad than `needs.skip_limit`.
std::shared_ptr<const DataTable> make_table(std::vector<LoadedArray> arrays, const DataNeeds& needs);

}  // namespace cnnc::runtime

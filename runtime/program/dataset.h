// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Data sets in memory: columns of samples as the program's inputs and labels want them, checked when they are loaded.
// Files → DataTable (one a part: training, test); parts select samples of tables. Tests: test/runtime/program.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/abi/program.h"
#include "runtime/formats/element.h"
#include "runtime/settings/recipe.h"

namespace cnnc::runtime {

/// Samples that lie in one file, for messages: where each begins, if that is known.
struct FilePiece {
  std::string file;
  size_t first_sample = 0;
  std::optional<uint64_t> first_byte;
  uint64_t sample_bytes = 0;
};

/// A sample that cannot be used, and why: the message names file, sample and byte.
struct BadSample {
  uint32_t sample = 0;
  std::string reason;
};

/// One input or label of all samples. Integer labels are already 32-bit integers; everything else is as in the file.
struct DataColumn {
  const cnn_column* column = nullptr;   // the program's
  std::string file;                     // for messages
  formats::ElementType type{};
  std::vector<FilePiece> pieces;        // at least one, in the order of the samples
  std::vector<std::byte> bytes;
  size_t sample_bytes = 0;

  std::span<const std::byte> sample(size_t i) const { return std::span(bytes).subspan(i * sample_bytes, sample_bytes); }
};

struct DataTable {
  size_t count = 0;
  std::vector<DataColumn> columns;
  std::vector<BadSample> bad;           // in rising order, each sample once; parts leave them out
  /// Null where the table has no such column.
  const DataColumn* find(const cnn_column& column) const;
};

/// Samples of a table under a name that is printed: "training", "test", "validation"; "data" of
/// arrays that are measured, which have no parts.
struct DataPart {
  std::string name;
  std::shared_ptr<const DataTable> table;
  std::vector<uint32_t> samples;
  bool empty() const { return samples.empty(); }
};

struct Dataset {
  DataPart training;
  DataPart test;          // empty where the data has none
  DataPart validation;    // empty without the setting
  /// What an epoch is measured on.
  const DataPart& measured() const { return validation.empty() ? test : validation; }
};

/// What the program wants of data.
struct DataNeeds {
  std::span<const cnn_column> columns;   // of a function; those of role CNN_INPUT and CNN_LABEL count
  int64_t classes = 0;                   // integer labels must be below; 0: any that is not negative
  int64_t skip_limit = 0;                // so many bad samples of a table are left out; one more is a Failure
};

/// Which parts to load. `Check` loads all of them and leaves every judgement of bad samples to the caller.
enum class DataUse { Training, Evaluation, Check };

/// Loads what the recipe names, or what `--data` names instead (`override_path`, empty where it is not given): a folder, or the
/// text of a data setting. Warns of bad samples that the setting `bad` leaves out. Throws Failure and FormatError.
Dataset load_dataset(const settings::Recipe& recipe, const std::string& override_path, DataNeeds needs, DataUse use);

/// "`FILE`: sample 5": the sample's number within its file.
std::string sample_name(const DataColumn& column, size_t sample);

/// Checks dims of one sample against the program's column; throws Failure that names both. [8, 8] fits [1, 8, 8].
void check_sample_shape(const std::string& file, std::span<const uint64_t> sample_dims, const cnn_column& column);

}  // namespace cnnc::runtime

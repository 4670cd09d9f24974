// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which files a data setting means, and their parts.
#include "runtime/program/dataset.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

#include "runtime/formats/cifar.h"
#include "runtime/formats/idx.h"
#include "runtime/formats/text.h"
#include "runtime/program/data_columns.h"
#include "runtime/program/data_places.h"
#include "runtime/program/failure.h"
#include "runtime/program/shuffle.h"
#include "runtime/settings/schema.h"

namespace cnnc::runtime {
namespace {

using settings::DataKind;
using settings::DataSource;

std::vector<std::byte> to_bytes(const std::vector<uint8_t>& values) {
  const auto* data = reinterpret_cast<const std::byte*>(values.data());
  return {data, data + values.size()};
}

std::shared_ptr<const DataTable> idx_table(const std::string& images_path, const std::string& labels_path, const DataNeeds& needs) {
  formats::IdxPart part = formats::read_idx_part(images_path, labels_path);
  std::vector<LoadedArray> arrays(2);
  arrays[0] = {"", images_path, formats::ElementType::U8, std::move(part.images.dims), to_bytes(part.images.bytes), nullptr};
  part.images.bytes = {};
  constexpr uint64_t kLabelsHeader = 8;
  arrays[1] = {"", labels_path, formats::ElementType::U8, std::move(part.labels.dims), to_bytes(part.labels.bytes), nullptr,
               {{labels_path, 0, kLabelsHeader, 1}}};
  return make_table(std::move(arrays), needs);
}

std::shared_ptr<const DataTable> cifar_table(const std::vector<std::string>& paths, DataNeeds needs) {
  formats::CifarPart part = formats::read_cifar(paths);
  const uint64_t count = part.labels.size();
  const std::string file = paths.size() == 1 ? paths[0] : paths[0] + " …";
  std::vector<FilePiece> pieces;
  for (size_t i = 0; i < paths.size(); ++i) pieces.push_back({paths[i], i == 0 ? 0 : part.ends[i - 1], 0, formats::kCifarRecordBytes});
  // A label that CIFAR-10 does not have is bad also where the network has more classes.
  constexpr auto kClasses = static_cast<int64_t>(formats::kCifarClasses);
  needs.classes = needs.classes > 0 ? std::min(needs.classes, kClasses) : kClasses;
  std::vector<LoadedArray> arrays(2);
  arrays[0] = {"", file, formats::ElementType::U8, {count, formats::kCifarChannels, formats::kCifarSide, formats::kCifarSide},
               to_bytes(part.pixels), nullptr, pieces};
  arrays[1] = {"", file, formats::ElementType::U8, {count}, to_bytes(part.labels), nullptr, pieces};
  return make_table(std::move(arrays), needs);
}

bool is_folder(const std::string& path) {
  struct stat information = {};
  return stat(path.c_str(), &information) == 0 && S_ISDIR(information.st_mode);
}

std::shared_ptr<const DataTable> arrays_table(const DataSource& source, const std::string& folder, const DataNeeds& needs) {
  std::vector<LoadedArray> arrays;
  for (const auto& [column, file] : source.files)
    arrays.push_back(load_array(column, folder.empty() ? find_data(file) : folder + "/" + file));
  return make_table(std::move(arrays), needs);
}

DataPart whole_part(const std::string& name, std::shared_ptr<const DataTable> table) {
  DataPart part{name, std::move(table), {}};
  part.samples.reserve(part.table->count);
  auto bad = part.table->bad.begin();
  for (uint32_t i = 0; i < part.table->count; ++i) {
    if (bad != part.table->bad.end() && bad->sample == i) ++bad;
    else part.samples.push_back(i);
  }
  return part;
}

/// Loads the parts of a source. `folder` replaces the place of the source where it is not empty.
void load_source(const DataSource& source, const std::string& folder, const DataNeeds& needs, DataUse use, Dataset& out) {
  const bool train = use != DataUse::Evaluation;
  if (source.kind == DataKind::Arrays) {
    DataPart part = whole_part(train ? "training" : "data", arrays_table(source, folder, needs));
    (train ? out.training : out.test) = std::move(part);
    return;
  }
  const std::string place = folder.empty() ? find_data(source.folder) : folder;
  if (source.kind == DataKind::Idx) {
    const formats::IdxFolder files = formats::find_idx_files(place);
    if (train) out.training = whole_part("training", idx_table(files.train_images, files.train_labels, needs));
    out.test = whole_part("test", idx_table(files.test_images, files.test_labels, needs));
  } else {
    const formats::CifarFolder files = formats::find_cifar_files(place);
    if (train) out.training = whole_part("training", cifar_table(files.train, needs));
    out.test = whole_part("test", cifar_table({files.test}, needs));
  }
}

/// What `--data` means: a setting's text, or a folder for the recipe's kind of data (guessed where the recipe has none).
DataSource overridden(const DataSource& source, const std::string& path, std::string& folder) {
  if (path.find('(') != std::string::npos) {
    const auto parsed = settings::parse_recipe({{"data", path}});
    if (const auto* problem = std::get_if<settings::Problem>(&parsed)) fail_usage("`--data`: " + problem->message, problem->help);
    return std::get<settings::Recipe>(parsed).data;
  }
  folder = find_data(path);
  if (!is_folder(folder)) fail("the data " + formats::quote_name(folder) + " is no folder");
  DataSource out = source;
  if (out.kind != DataKind::None) return out;
  struct stat information = {};
  const bool cifar = stat((folder + "/data_batch_1.bin").c_str(), &information) == 0;
  out.kind = cifar ? DataKind::Cifar : DataKind::Idx;
  return out;
}

void warn_of_bad_samples(const Dataset& data) {
  constexpr size_t kMostNamed = 10;
  const DataTable* last = nullptr;   // training and validation often share one
  for (const DataPart* part : {&data.training, &data.validation, &data.test}) {
    const DataTable* table = part->table.get();
    if (!table || table == last || table->bad.empty()) continue;
    last = table;
    for (size_t i = 0; i < std::min(kMostNamed, table->bad.size()); ++i) print_diagnostic("warning", table->bad[i].reason + "; it is left out");
    if (table->bad.size() > kMostNamed)
      print_diagnostic("warning", std::to_string(table->bad.size() - kMostNamed) + " more samples are left out", "`check-data` lists all");
    if (part->empty()) fail("the " + part->name + " data has no good sample");
  }
}

}  // namespace

Dataset load_dataset(const settings::Recipe& recipe, const std::string& override_path, DataNeeds needs, DataUse use) {
  needs.skip_limit = use == DataUse::Check ? std::numeric_limits<int64_t>::max() : recipe.skip_limit;
  std::string folder;
  DataSource source = recipe.data;
  if (!override_path.empty()) source = overridden(source, override_path, folder);
  if (source.kind == DataKind::None)
    fail("there is no data: the `train` block has no setting `data`", "add `data = idx(\"FOLDER\")`, or name the data with `--data`");
  Dataset out;
  load_source(source, folder, needs, use, out);
  if (recipe.validation_data.kind != DataKind::None) {
    Dataset apart;
    load_source(recipe.validation_data, "", needs, use == DataUse::Evaluation ? DataUse::Training : use, apart);
    out.validation = std::move(apart.training);
    out.validation.name = "validation";
  } else if (recipe.validation_share > 0 && use != DataUse::Evaluation) {
    Split split = split_samples(static_cast<uint64_t>(recipe.seed), out.training.samples.size(), recipe.validation_share);
    for (std::vector<uint32_t>* places : {&split.validation, &split.training})
      for (uint32_t& place : *places) place = out.training.samples[place];
    out.validation = {"validation", out.training.table, std::move(split.validation)};
    out.training.samples = std::move(split.training);
  }
  if (use != DataUse::Check) warn_of_bad_samples(out);
  return out;
}

}  // namespace cnnc::runtime

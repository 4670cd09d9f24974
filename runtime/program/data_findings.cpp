// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counts classes and compares samples, by hashes first.
#include "runtime/program/data_findings.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "runtime/program/failure.h"

namespace cnnc::runtime {
namespace {

std::vector<const DataColumn*> inputs_of(const DataTable& table) {
  std::vector<const DataColumn*> out;
  for (const DataColumn& column : table.columns)
    if (column.column->role == CNN_INPUT) out.push_back(&column);
  std::sort(out.begin(), out.end(), [](const DataColumn* a, const DataColumn* b) { return std::string_view(a->column->name) < b->column->name; });
  return out;
}

size_t hash_of(const std::vector<const DataColumn*>& inputs, uint32_t sample) {
  size_t hash = 0;
  for (const DataColumn* input : inputs) {
    const std::span<const std::byte> bytes = input->sample(sample);
    hash = hash * 31 + std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  return hash;
}

bool equal(const std::vector<const DataColumn*>& a, uint32_t sample_a, const std::vector<const DataColumn*>& b, uint32_t sample_b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (!std::ranges::equal(a[i]->sample(sample_a), b[i]->sample(sample_b))) return false;
  return true;
}

}  // namespace

std::vector<int64_t> count_classes(const DataPart& part, int64_t classes) {
  std::vector<int64_t> counts;
  for (const DataColumn& column : part.table->columns) {
    if (column.column->role != CNN_LABEL || column.column->element != CNN_I32 || column.column->elements != 1 || classes == 0) continue;
    counts.assign(static_cast<size_t>(classes), 0);
    for (uint32_t sample : part.samples) {
      int32_t label = 0;
      std::memcpy(&label, column.sample(sample).data(), sizeof label);
      ++counts[static_cast<size_t>(label)];
    }
  }
  return counts;
}

std::vector<SharedSample> find_shared_samples(const DataPart& training, const DataPart& measured) {
  const std::vector<const DataColumn*> ours = inputs_of(*training.table), theirs = inputs_of(*measured.table);
  for (size_t i = 0; i < ours.size(); ++i)
    if (ours[i]->type != theirs[i]->type) return {};
  std::vector<std::pair<size_t, uint32_t>> known;
  known.reserve(training.samples.size());
  for (uint32_t sample : training.samples) known.emplace_back(hash_of(ours, sample), sample);
  std::sort(known.begin(), known.end());
  std::vector<SharedSample> out;
  for (uint32_t sample : measured.samples) {
    const size_t hash = hash_of(theirs, sample);
    auto at = std::lower_bound(known.begin(), known.end(), std::pair<size_t, uint32_t>(hash, 0));
    while (at != known.end() && at->first == hash && !equal(ours, at->second, theirs, sample)) ++at;
    if (at != known.end() && at->first == hash) out.push_back({at->second, sample});
  }
  return out;
}

const DataColumn& first_input(const DataTable& table) {
  const std::vector<const DataColumn*> inputs = inputs_of(table);
  if (inputs.empty()) fail("the network has no input");
  return *inputs[0];
}

}  // namespace cnnc::runtime

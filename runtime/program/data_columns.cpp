// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks on data: what they refuse is named by file, sample and value.
#include "runtime/program/data_columns.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/formats/npy.h"
#include "runtime/formats/text.h"
#include "runtime/program/failure.h"
#include "runtime/program/function_call.h"

namespace cnnc::runtime {
namespace {

using formats::ElementType;

std::vector<const cnn_column*> columns_of(const DataNeeds& needs, int32_t role) {
  std::vector<const cnn_column*> out;
  for (const cnn_column& column : needs.columns)
    if (column.role == role) out.push_back(&column);
  return out;
}

std::string names_of(const DataNeeds& needs) {
  std::string out;
  for (const cnn_column& column : needs.columns)
    if (column.role == CNN_INPUT || column.role == CNN_LABEL) out += (out.empty() ? "`" : ", `") + std::string(column.name) + "`";
  return out;
}

/// `label` also stands for the only label, `NAME` for `label.NAME`.
const cnn_column* named_column(const DataNeeds& needs, const LoadedArray& array) {
  const std::vector<const cnn_column*> labels = columns_of(needs, CNN_LABEL);
  for (const cnn_column* column : columns_of(needs, CNN_INPUT))
    if (column->name == array.column) return column;
  for (const cnn_column* column : labels)
    if (column->name == array.column || column->name == "label." + array.column) return column;
  if (array.column == "label" && labels.size() == 1) return labels[0];
  fail("the network has no input or label " + formats::quote_name(array.column), "it has " + names_of(needs));
}

void assign(std::vector<LoadedArray>& arrays, const DataNeeds& needs) {
  const std::vector<const cnn_column*> inputs = columns_of(needs, CNN_INPUT), labels = columns_of(needs, CNN_LABEL);
  const bool by_place = !arrays.empty() && arrays[0].column.empty();
  if (by_place && (inputs.size() != 1 || labels.size() > 1))
    fail("the network has several inputs or labels, and the data does not say which array is which",
         "name them in the setting: `arrays(" + std::string(inputs.empty() ? "NAME" : inputs[0]->name) + ": \"x.npy\", …)`");
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (!by_place) arrays[i].wanted = named_column(needs, arrays[i]);
    else if (i == 0) arrays[i].wanted = inputs[0];
    else arrays[i].wanted = labels.empty() ? nullptr : labels[0];
  }
  for (const cnn_column& column : needs.columns) {
    if (column.role != CNN_INPUT && column.role != CNN_LABEL) continue;
    bool found = false;
    for (const LoadedArray& array : arrays) found = found || array.wanted == &column;
    if (!found) fail("the data has no array for `" + std::string(column.name) + "`", "the network wants " + names_of(needs));
  }
}

int64_t integer_at(const LoadedArray& array, size_t i) {
  const auto read = [&](auto zero) {
    using Integer = decltype(zero);
    Integer value;
    std::memcpy(&value, array.bytes.data() + i * sizeof value, sizeof value);
    return static_cast<int64_t>(value);
  };
  switch (array.type) {
    case ElementType::I64: return read(int64_t{});
    case ElementType::I32: return read(int32_t{});
    case ElementType::I16: return read(int16_t{});
    case ElementType::I8: return read(int8_t{});
    case ElementType::U64: return read(uint64_t{});
    case ElementType::U32: return read(uint32_t{});
    case ElementType::U16: return read(uint16_t{});
    default: return read(uint8_t{});
  }
}

/// The piece of a file that holds the sample.
const FilePiece& piece_of(const std::vector<FilePiece>& pieces, size_t sample) {
  size_t found = 0;
  while (found + 1 < pieces.size() && pieces[found + 1].first_sample <= sample) ++found;
  return pieces[found];
}

/// " (byte 13)": where an element of a sample lies in its file; empty where that is not known.
std::string byte_text(const FilePiece& piece, size_t sample, size_t offset) {
  if (!piece.first_byte) return {};
  const uint64_t byte = *piece.first_byte + (sample - piece.first_sample) * piece.sample_bytes + offset;
  return " (byte " + std::to_string(byte) + (piece.file.ends_with(".gz") ? ", inflated)" : ")");
}

/// Labels as 32-bit integers, each checked against the number of classes; wrong ones become 0.
std::vector<std::byte> integer_labels(const LoadedArray& array, int64_t classes, size_t per_sample, std::vector<BadSample>& bad) {
  if (formats::is_floating(array.type))
    fail(formats::quote_name(array.file) + " holds " + std::string(formats::element_name(array.type)) + ", but the loss wants classes as whole numbers",
         "save the labels as integers");
  const size_t count = array.bytes.size() / formats::element_size(array.type);
  const int64_t limit = classes > 0 ? classes : std::numeric_limits<int32_t>::max();
  std::vector<std::byte> out(count * sizeof(int32_t));
  for (size_t i = 0; i < count; ++i) {
    int64_t label = integer_at(array, i);
    if (label < 0 || label >= limit) {
      const size_t sample = i / per_sample, offset = i % per_sample * formats::element_size(array.type);
      const FilePiece& piece = piece_of(array.pieces, sample);
      bad.push_back({static_cast<uint32_t>(sample),
                     formats::quote_name(piece.file) + ": label " + std::to_string(label) + " of sample " +
                         std::to_string(sample - piece.first_sample) + byte_text(piece, sample, offset) + " is not from 0 to " + std::to_string(limit - 1)});
      label = 0;
    }
    const auto narrow = static_cast<int32_t>(label);
    std::memcpy(out.data() + i * sizeof narrow, &narrow, sizeof narrow);
  }
  return out;
}

/// Every value of a floating array must be a number: one that is not would be found much later, in a loss.
void check_finite(const LoadedArray& array, size_t sample_elements, std::vector<BadSample>& bad) {
  if (!formats::is_floating(array.type)) return;
  const size_t size = formats::element_size(array.type);
  std::vector<double> values(sample_elements);
  for (size_t i = 0; i < array.dims[0]; ++i) {
    formats::convert_to_doubles(array.type, std::span(array.bytes).subspan(i * sample_elements * size, sample_elements * size), values);
    const auto wrong = std::find_if(values.begin(), values.end(), [](double value) { return !std::isfinite(value); });
    if (wrong == values.end()) continue;
    const auto k = static_cast<size_t>(wrong - values.begin());
    const FilePiece& piece = piece_of(array.pieces, i);
    bad.push_back({static_cast<uint32_t>(i), formats::quote_name(piece.file) + ": element " + std::to_string(k) + " of sample " +
                                                 std::to_string(i - piece.first_sample) + byte_text(piece, i, k * size) + " is not a finite number"});
  }
}

DataColumn make_column(LoadedArray& array, const DataNeeds& needs, std::vector<BadSample>& bad) {
  const cnn_column& wanted = *array.wanted;
  check_sample_shape(array.file, std::span(array.dims).subspan(1), wanted);
  DataColumn out;
  out.column = &wanted;
  out.file = array.file;
  if (wanted.element == CNN_I32) {
    out.type = ElementType::I32;
    out.bytes = integer_labels(array, wanted.role == CNN_LABEL ? needs.classes : 0, static_cast<size_t>(wanted.elements), bad);
  } else {
    check_finite(array, static_cast<size_t>(wanted.elements), bad);
    out.type = array.type;
    out.bytes = std::move(array.bytes);
  }
  out.sample_bytes = static_cast<size_t>(wanted.elements) * formats::element_size(out.type);
  out.pieces = std::move(array.pieces);
  return out;
}

/// Each bad sample once, in order, with its first reason. Throws where there are more than the limit.
void sort_bad(std::vector<BadSample>& bad, const DataNeeds& needs) {
  const auto before = [](const BadSample& a, const BadSample& b) { return a.sample < b.sample; };
  std::stable_sort(bad.begin(), bad.end(), before);
  const auto same = [](const BadSample& a, const BadSample& b) { return a.sample == b.sample; };
  bad.erase(std::unique(bad.begin(), bad.end(), same), bad.end());
  if (static_cast<int64_t>(bad.size()) <= needs.skip_limit) return;
  if (needs.skip_limit > 0)
    fail(std::to_string(bad.size()) + " samples are bad, more than `bad = skip(" + std::to_string(needs.skip_limit) + ")` allows; the first: " + bad[0].reason);
  fail(bad[0].reason, needs.classes > 0 && bad[0].reason.find(": label ") != std::string::npos
                          ? "the network has " + std::to_string(needs.classes) + " classes"
                          : "`check-data` lists all bad samples; `bad = skip(10)` leaves out at most 10");
}

}  // namespace

const DataColumn* DataTable::find(const cnn_column& column) const {
  for (const DataColumn& own : columns)
    if (own.column->role == column.role && std::string_view(own.column->name) == column.name) return &own;
  return nullptr;
}

std::string sample_name(const DataColumn& column, size_t sample) {
  const FilePiece& piece = piece_of(column.pieces, sample);
  return formats::quote_name(piece.file) + ": sample " + std::to_string(sample - piece.first_sample);
}

void check_sample_shape(const std::string& file, std::span<const uint64_t> sample_dims, const cnn_column& column) {
  std::vector<int64_t> own(sample_dims.begin(), sample_dims.end()), wanted(column.dims, column.dims + column.rank);
  const std::string own_text = shape_text(own);
  // A leading 1 (the channel of gray images, the one number of a regression) may be left out on either side.
  const auto without_one = [](std::vector<int64_t> dims) {
    while (!dims.empty() && dims.front() == 1) dims.erase(dims.begin());
    return dims;
  };
  if (without_one(own) != without_one(wanted))
    fail(formats::quote_name(file) + ": a sample is " + own_text + ", but the network's `" + column.name + "` is " + shape_text(column));
}

LoadedArray load_array(const std::string& column, const std::string& path) {
  formats::NpyArray array = formats::read_npy(path);
  if (array.shape.empty()) fail(formats::quote_name(path) + " is a single number, not an array of samples");
  const uint64_t sample_bytes = array.bytes.size() / std::max<uint64_t>(1, array.shape[0]);
  return {column, path, array.type, std::move(array.shape), std::move(array.bytes), nullptr, {{path, 0, array.first_byte, sample_bytes}}};
}

std::shared_ptr<const DataTable> make_table(std::vector<LoadedArray> arrays, const DataNeeds& needs) {
  assign(arrays, needs);
  auto table = std::make_shared<DataTable>();
  table->count = arrays.at(0).dims[0];
  if (table->count == 0) fail(formats::quote_name(arrays[0].file) + " has no samples");
  if (table->count > std::numeric_limits<uint32_t>::max()) fail(formats::quote_name(arrays[0].file) + " has more than 2^32 samples");
  for (LoadedArray& array : arrays) {
    if (array.dims[0] != table->count)
      fail(formats::quote_name(arrays[0].file) + " has " + std::to_string(table->count) + " samples, but " +
           formats::quote_name(array.file) + " has " + std::to_string(array.dims[0]));
    if (array.pieces.empty()) array.pieces = {{array.file, 0, std::nullopt, 0}};
    if (array.wanted) table->columns.push_back(make_column(array, needs, table->bad));
  }
  sort_bad(table->bad, needs);
  return table;
}

}  // namespace cnnc::runtime

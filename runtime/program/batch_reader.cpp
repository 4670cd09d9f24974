// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fills batches. Every image is one task; what it writes depends on the image alone.
#include "runtime/program/batch_reader.h"

#include <cstring>

#include "runtime/program/augment.h"
#include "runtime/program/failure.h"

namespace cnnc::runtime {
namespace {

/// A column as an image: an array of lower rank has one channel, or one row.
struct ImageShape {
  int64_t channels = 1, height = 1, width = 1;
  explicit ImageShape(const cnn_column& column) {
    if (column.rank >= 1) width = column.dims[column.rank - 1];
    if (column.rank >= 2) height = column.dims[column.rank - 2];
    channels = width * height == 0 ? 1 : column.elements / (width * height);
  }
};

/// Copies one image, planar, each output pixel from where the augmentation says.
template <typename Float, typename Read>
void copy_augmented(const cnn_column& column, const ImageAugmentation& augmentation, const Read& read, Float* out) {
  const ImageShape shape(column);
  for (int64_t c = 0; c < shape.channels; ++c)
    for (int64_t y = 0; y < shape.height; ++y)
      for (int64_t x = 0; x < shape.width; ++x) {
        int64_t from_y = y, from_x = x;
        const bool inside = augmentation.source(shape.height, shape.width, from_y, from_x);
        *out++ = read(c, inside ? (c * shape.height + from_y) * shape.width + from_x : -1);
      }
}

void convert(formats::ElementType type, std::span<const std::byte> bytes, std::span<float> out) { formats::convert_to_floats(type, bytes, out); }
void convert(formats::ElementType type, std::span<const std::byte> bytes, std::span<double> out) { formats::convert_to_doubles(type, bytes, out); }

template <typename Float>
void write_sample(const DataColumn& data, const PixelRule* pixels, const cnn_column& column, size_t sample,
                  const ImageAugmentation& augmentation, Float* out) {
  const std::span<const std::byte> bytes = data.sample(sample);
  const size_t size = formats::element_size(data.type);
  if (pixels) {
    const auto pixel = [&](int64_t channel, int64_t at) {
      const uint8_t value = at < 0 ? 0 : std::to_integer<uint8_t>(bytes[static_cast<size_t>(at)]);
      return static_cast<Float>(pixels->value(value, channel));
    };
    if (!augmentation.changes_nothing()) {
      copy_augmented(column, augmentation, pixel, out);
      return;
    }
    const ImageShape shape(column);
    const int64_t plane = shape.height * shape.width;
    for (int64_t c = 0; c < shape.channels; ++c)
      for (int64_t i = c * plane; i < (c + 1) * plane; ++i) out[i] = pixel(c, i);
    return;
  }
  if (augmentation.changes_nothing()) {
    convert(data.type, bytes, std::span<Float>(out, static_cast<size_t>(column.elements)));
    return;
  }
  copy_augmented(column, augmentation, [&](int64_t, int64_t at) {
    Float value = 0;
    if (at >= 0) convert(data.type, bytes.subspan(static_cast<size_t>(at) * size, size), std::span<Float>(&value, 1));
    return value;
  }, out);
}

}  // namespace

PixelRule::PixelRule(const settings::Recipe& recipe, const cnn_column& input) {
  const auto channels = static_cast<size_t>(ImageShape(input).channels);
  const auto pick = [&](const std::vector<double>& values, size_t channel, double fallback) {
    return values.empty() ? fallback : values.size() == 1 ? values[0] : values[channel];
  };
  for (const auto* values : {&recipe.mean, &recipe.deviation})
    if (values->size() > 1 && values->size() != channels)
      fail("`normalize` has numbers for " + std::to_string(values->size()) + " channels, but the input `" + input.name + "` has " +
           std::to_string(channels));
  table_.resize(channels * 256);
  for (size_t c = 0; c < channels; ++c)
    for (size_t pixel = 0; pixel < 256; ++pixel)
      table_[c * 256 + pixel] = (static_cast<double>(pixel) / 255 - pick(recipe.mean, c, 0)) / pick(recipe.deviation, c, 1);
}

BatchReader::BatchReader(const cnn_function& function, const DataTable& table, const settings::Recipe& recipe) {
  rules_.reserve(static_cast<size_t>(function.column_count));
  for (int32_t i = 0; i < function.column_count; ++i) {
    const cnn_column& column = function.columns[i];
    if (column.role == CNN_SAMPLE_INDEX) joins_.push_back({i, nullptr, nullptr});
    if (column.role != CNN_INPUT && column.role != CNN_LABEL) continue;
    const DataColumn* data = table.find(column);
    if (!data) fail("the data has no array for `" + std::string(column.name) + "`");
    Join join{i, data, nullptr};
    if (column.role == CNN_INPUT && data->type == formats::ElementType::U8 && column.element != CNN_U8) {
      rules_.emplace_back(recipe, column);
      join.pixels = &rules_.back();
    }
    joins_.push_back(join);
  }
}

void BatchReader::read(FunctionCall& call, std::span<const uint32_t> samples, const BatchAugmentation& augmentation, ThreadPool& pool) const {
  pool.for_each(static_cast<int64_t>(samples.size()), [&](int64_t i) {
    const uint32_t sample = samples[static_cast<size_t>(i)];
    const ImageAugmentation draws(augmentation.stages, augmentation.seed, augmentation.epoch, sample);
    const ImageAugmentation none;
    for (const Join& join : joins_) {
      const cnn_column& column = call.columns()[static_cast<size_t>(join.column)];
      char* out = static_cast<char*>(call.column(join.column)) + i * column.elements * static_cast<int64_t>(element_bytes(column.element));
      const ImageAugmentation& own = column.role == CNN_INPUT && column.rank == 3 ? draws : none;
      if (!join.data) *reinterpret_cast<int32_t*>(out) = static_cast<int32_t>(sample);
      else if (column.element == CNN_F32) write_sample(*join.data, join.pixels, column, sample, own, reinterpret_cast<float*>(out));
      else if (column.element == CNN_F64) write_sample(*join.data, join.pixels, column, sample, own, reinterpret_cast<double*>(out));
      else std::memcpy(out, join.data->sample(sample).data(), join.data->sample_bytes);
    }
  });
}

void check_augmentation(const settings::Recipe& recipe, std::span<const cnn_column> columns) {
  if (recipe.augment.empty()) return;
  if (recipe.augment.size() > kMaximumStages) fail("`augment` has more than " + std::to_string(kMaximumStages) + " stages");
  for (const cnn_column& column : columns)
    if (column.role == CNN_INPUT && column.rank == 3) return;
  fail("`augment` needs an input that is an image: channels, height, width");
}

}  // namespace cnnc::runtime

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pictures and arrays as inputs.
#include "runtime/program/prediction_input.h"

#include <algorithm>

#include "runtime/formats/image.h"
#include "runtime/formats/text.h"
#include "runtime/program/data_columns.h"
#include "runtime/program/failure.h"
#include "runtime/program/function_call.h"

namespace cnnc::runtime {
namespace {

const cnn_column& only_input(const DataNeeds& needs) {
  const cnn_column* found = nullptr;
  for (const cnn_column& column : needs.columns) {
    if (column.role != CNN_INPUT) continue;
    if (found) fail_usage("the network has several inputs", "name their files: `--input NAME=X.npy`");
    found = &column;
  }
  if (!found) fail_usage("the network has no input");
  return *found;
}

/// A picture as a planar array [1, channels, height, width].
LoadedArray read_picture(const std::string& path, const cnn_column& column, bool resize) {
  const bool is_map = column.rank == 2, is_image = column.rank == 3 && (column.dims[0] == 1 || column.dims[0] == 3);
  if (!is_map && !is_image)
    fail(formats::quote_name(path) + " is a picture, but the network's input `" + column.name + "` is " + shape_text(column),
         "pictures have 1 or 3 channels; other inputs are .npy files");
  const bool colour = is_image && column.dims[0] == 3;
  const auto height = static_cast<size_t>(column.dims[column.rank - 2]), width = static_cast<size_t>(column.dims[column.rank - 1]);
  formats::Image image = formats::read_image(path);
  image = colour ? formats::to_rgb(image) : formats::to_gray(image);
  if (image.height != height || image.width != width) {
    if (!resize)
      fail(formats::quote_name(path) + " is " + std::to_string(image.height) + "x" + std::to_string(image.width) + ", but the network wants " +
               std::to_string(height) + "x" + std::to_string(width) + " (height x width)",
           "`--resize` fits it");
    image = formats::resize(image, height, width);
  }
  LoadedArray out{"", path, formats::ElementType::U8, {1, image.channels, height, width}, {}, nullptr};
  out.bytes.resize(image.pixels.size());
  for (size_t c = 0; c < image.channels; ++c)
    for (size_t i = 0; i < height * width; ++i) out.bytes[c * height * width + i] = static_cast<std::byte>(image.pixels[i * image.channels + c]);
  return out;
}

}  // namespace

void add_sample_dimension(std::vector<uint64_t>& dims, const cnn_column& column) {
  const std::vector<uint64_t> wanted(column.dims, column.dims + column.rank);
  // [8, 8] for [1, 8, 8] is one image too; [5, 8, 8] is five.
  const bool lacks_channel = wanted.size() > 1 && wanted[0] == 1 && std::equal(wanted.begin() + 1, wanted.end(), dims.begin(), dims.end());
  if (dims == wanted || lacks_channel) dims.insert(dims.begin(), 1);
}

std::shared_ptr<const DataTable> read_prediction_input(const std::string& path, const DataNeeds& needs, bool resize) {
  const cnn_column& column = only_input(needs);
  std::vector<LoadedArray> arrays(1);
  if (path.ends_with(".npy")) {
    arrays[0] = load_array("", path);
    add_sample_dimension(arrays[0].dims, column);
  } else {
    arrays[0] = read_picture(path, column, resize);
  }
  return make_table(std::move(arrays), needs);
}

std::pair<std::string, std::string> split_named_file(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return {"", text};
  if (equals == 0 || equals + 1 == text.size()) fail_usage("`" + formats::escape_terminal(text) + "` should be NAME=FILE");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace cnnc::runtime

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `predict`: pictures and arrays in, classes with probabilities or maps out.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "runtime/formats/error.h"
#include "runtime/formats/image.h"
#include "runtime/formats/npy.h"
#include "runtime/formats/text.h"
#include "runtime/program/commands.h"
#include "runtime/program/data_columns.h"
#include "runtime/program/failure.h"
#include "runtime/program/json_text.h"
#include "runtime/program/prediction_input.h"
#include "runtime/program/predictor.h"

namespace cnnc::runtime {
namespace {

constexpr int64_t kBestClasses = 3;
// A single number or a list of at most so many is printed as it is; of others their range.
constexpr int64_t kFewNumbers = 16;

constexpr OptionDef kOptions[] = {
    kWeightsOption,
    {"--input", "NAME=FILE", "an input of a network that has several (.npy); may be repeated", true},
    {"--output", "FILE", "writes the raw outputs (.npy), or one picture (.png) of 1 or 3 channels"},
    {"--resize", "", "fits pictures to the size that the network wants (bilinear)"},
    kBatchOption, kThreadsOption, kRecipeOption, kSetOption, kJsonOption,
};

/// Whether the only output is one number a class.
bool predicts_classes(const Session& session, const std::vector<OutputValues>& outputs) {
  if (!session.recipe || outputs.size() != 1 || outputs[0].column->rank == 0) return false;
  if (outputs[0].column->elements != outputs[0].column->dims[0]) return false;
  if (session.recipe->class_count > 0 || session.recipe->softmax_output) return true;
  if (!session.recipe->evaluate) return false;
  for (int32_t i = 0; i < session.recipe->evaluate->column_count; ++i) {
    const cnn_column& column = session.recipe->evaluate->columns[i];
    if (column.role == CNN_LABEL && column.element == CNN_I32 && column.elements == 1) return true;
  }
  return false;
}

std::vector<double> probabilities(const Session& session, std::span<const double> values) {
  std::vector<double> out(values.begin(), values.end());
  if (!session.recipe->softmax_output) return out;
  const double largest = *std::max_element(out.begin(), out.end());
  double sum = 0;
  for (double& x : out) sum += x = std::exp(x - largest);
  for (double& x : out) x /= sum;
  return out;
}

std::vector<int64_t> best_classes(const std::vector<double>& probability) {
  std::vector<int64_t> order(probability.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return probability[static_cast<size_t>(a)] > probability[static_cast<size_t>(b)]; });
  if (order.size() > kBestClasses) order.resize(kBestClasses);
  return order;
}

struct Range {
  double minimum = 0, mean = 0, maximum = 0;
};

Range range_of(std::span<const double> values) {
  Range out{values[0], 0, values[0]};
  for (double x : values) {
    out.minimum = std::min(out.minimum, x);
    out.maximum = std::max(out.maximum, x);
    out.mean += x / static_cast<double>(values.size());
  }
  return out;
}

bool prints_all(const cnn_column& column) { return column.rank <= 1 && column.elements <= kFewNumbers; }

/// "output 0.5, 2.25" or "output 1x4x4 minimum -3, mean -0.125, maximum 3".
std::string output_text(const OutputValues& output, int64_t sample) {
  std::string line = output.column->name;
  char text[128];
  if (prints_all(*output.column)) {
    const char* separator = " ";
    for (const double value : output.sample(sample)) {
      std::snprintf(text, sizeof text, "%.6g", value);
      line += separator + std::string(text);
      separator = ", ";
    }
    return line;
  }
  const Range range = range_of(output.sample(sample));
  std::snprintf(text, sizeof text, " minimum %.6g, mean %.6g, maximum %.6g", range.minimum, range.mean, range.maximum);
  return line + " " + shape_text(*output.column) + text;
}

void print_text(const Session& session, const std::string& name, const std::vector<OutputValues>& outputs, int64_t sample) {
  std::string line = formats::escape_terminal(name) + ":";
  const char* separator = " ";
  if (predicts_classes(session, outputs)) {
    char text[32];
    const std::vector<double> probability = probabilities(session, outputs[0].sample(sample));
    for (int64_t c : best_classes(probability)) {
      std::snprintf(text, sizeof text, " %.4f", probability[static_cast<size_t>(c)]);
      line += separator + class_name(session, c) + text;
      separator = ", ";
    }
  } else {
    for (const OutputValues& output : outputs) {
      line += separator + output_text(output, sample);
      separator = "; ";
    }
  }
  std::puts(line.c_str());
}

void print_json(JsonText& json, const Session& session, const std::string& name, const std::vector<OutputValues>& outputs, int64_t sample) {
  json.open('{').key("file").string(name);
  if (predicts_classes(session, outputs)) {
    const std::vector<double> probability = probabilities(session, outputs[0].sample(sample));
    json.key("classes").open('[');
    for (int64_t c : best_classes(probability)) {
      const std::string own = c < session.recipe->class_count ? session.recipe->classes[c] : std::to_string(c);
      json.open('{').key("index").number(c).key("name").string(own).key("probability").number(probability[static_cast<size_t>(c)]).close('}');
    }
    json.close(']');
  } else {
    json.key("outputs").open('[');
    for (const OutputValues& output : outputs) {
      const Range range = range_of(output.sample(sample));
      json.open('{').key("name").string(output.column->name).key("shape").list(dims_of(*output.column));
      if (prints_all(*output.column)) json.key("values").list(output.sample(sample));
      json.key("minimum").number(range.minimum).key("mean").number(range.mean).key("maximum").number(range.maximum).close('}');
    }
    json.close(']');
  }
  json.close('}');
}

/// The outputs of all inputs, one after the other. With several outputs, `X.npy` becomes `X.NAME.npy`.
void write_arrays(const std::string& path, const std::vector<OutputValues>& all, int32_t element) {
  for (const OutputValues& output : all) {
    const std::string own = all.size() == 1 ? path : path.substr(0, path.size() - 4) + "." + output.column->name + ".npy";
    std::vector<uint64_t> shape = {output.values.size() / static_cast<uint64_t>(output.column->elements)};
    shape.insert(shape.end(), output.column->dims, output.column->dims + output.column->rank);
    if (element == CNN_F64) {
      formats::write_npy(own, shape, std::span<const double>(output.values));
    } else {
      const std::vector<float> narrow(output.values.begin(), output.values.end());
      formats::write_npy(own, shape, std::span<const float>(narrow));
    }
  }
}

void write_picture(const std::string& path, const std::vector<OutputValues>& all) {
  const OutputValues& output = all.front();
  const cnn_column& column = *output.column;
  const bool is_map = column.rank == 2, is_image = column.rank == 3 && (column.dims[0] == 1 || column.dims[0] == 3);
  if (all.size() != 1 || (!is_map && !is_image))
    fail("`--output` cannot make a picture of the output `" + std::string(column.name) + "` " + shape_text(column), "a picture has 1 or 3 channels; `--output X.npy` writes any");
  if (static_cast<int64_t>(output.values.size()) != column.elements) fail("`--output` writes one picture, but there are several inputs");
  formats::Image image;
  image.channels = is_map ? 1 : static_cast<size_t>(column.dims[0]);
  image.height = static_cast<size_t>(column.dims[column.rank - 2]);
  image.width = static_cast<size_t>(column.dims[column.rank - 1]);
  const size_t plane = image.height * image.width;
  image.pixels.resize(plane * image.channels);
  for (size_t c = 0; c < image.channels; ++c)
    for (size_t i = 0; i < plane; ++i) {
      const double value = output.values[c * plane + i];
      image.pixels[i * image.channels + c] = static_cast<uint8_t>(std::lround(255 * (value > 0 ? std::min(value, 1.0) : 0.0)));
    }
  formats::write_png(path, image);
}

struct NamedTable {
  std::string name;
  std::shared_ptr<const DataTable> table;
};

/// One file; null where it is bad and may be left out (a file that is not there never is).
std::shared_ptr<const DataTable> read_or_skip(const std::string& path, const DataNeeds& needs, bool resize, bool may_skip) {
  try {
    return read_prediction_input(path, needs, resize);
  } catch (const formats::FormatError& error) {
    if (!may_skip || error.kind() == formats::ErrorKind::kMissing) throw;
    print_diagnostic("warning", std::string(error.what()) + "; it is left out");
  } catch (const Failure& failure) {
    if (!may_skip || failure.status != kBadInput) throw;
    print_diagnostic("warning", std::string(failure.what()) + "; it is left out", failure.help);
  }
  return nullptr;
}

std::vector<NamedTable> read_inputs(const CommandLine& line, const DataNeeds& needs, int64_t skip_limit) {
  std::vector<NamedTable> out;
  int64_t skipped = 0;
  for (const std::string& path : line.inputs()) {
    auto table = read_or_skip(path, needs, line.has("--resize"), skipped < skip_limit);
    if (table) out.push_back({path, std::move(table)});
    else ++skipped;
  }
  std::vector<LoadedArray> named;
  for (const std::string& text : line.texts("--input")) {
    const auto [name, path] = split_named_file(text);
    named.push_back(load_array(name, path));
    for (const cnn_column& column : needs.columns)
      if (column.role == CNN_INPUT && (name.empty() || name == column.name)) add_sample_dimension(named.back().dims, column);
  }
  if (!named.empty()) {
    const std::string first = named[0].file;
    out.push_back({first, make_table(std::move(named), needs)});
  }
  if (out.empty() && skipped > 0) fail("no input is left");
  if (out.empty()) fail_usage("`predict` needs at least one input", "name a PNG, JPEG or .npy file");
  return out;
}

int run_predict(const cnn_program& program, const CommandLine& line) {
  const Session session = make_session(program, line);
  const std::string output_path = line.text("--output").value_or("");
  if (!output_path.empty() && !output_path.ends_with(".npy") && !output_path.ends_with(".png"))
    fail_usage("`--output` writes .npy or .png, not " + formats::quote_name(output_path));
  const std::span<const cnn_column> columns(program.infer->columns, static_cast<size_t>(program.infer->column_count));
  const std::vector<NamedTable> inputs = read_inputs(line, {columns, 0}, session.settings.skip_limit);
  size_t largest = 1;
  for (const NamedTable& input : inputs) largest = std::max(largest, input.table->count);
  Predictor predictor(session, std::min(session.settings.batch, static_cast<int64_t>(largest)), line.text("--weights").value_or(""));

  std::vector<OutputValues> all;
  JsonText json;
  json.open('[');
  for (const NamedTable& input : inputs) {
    std::vector<OutputValues> outputs = predictor.run(*input.table);
    for (size_t i = 0; i < input.table->count; ++i) {
      const std::string name = input.table->count == 1 ? input.name : input.name + "[" + std::to_string(i) + "]";
      if (line.has("--json")) print_json(json, session, name, outputs, static_cast<int64_t>(i));
      else print_text(session, name, outputs, static_cast<int64_t>(i));
    }
    if (all.empty()) all = std::move(outputs);
    else
      for (size_t o = 0; o < all.size(); ++o) all[o].values.insert(all[o].values.end(), outputs[o].values.begin(), outputs[o].values.end());
  }
  if (line.has("--json")) std::puts(json.close(']').text().c_str());
  if (output_path.ends_with(".npy")) write_arrays(output_path, all, program.element);
  else if (!output_path.empty()) write_picture(output_path, all);
  return kDone;
}

}  // namespace

const Command kPredictCommand{{"predict", "says what pictures or arrays show", kOptions, "INPUT…",
                               "INPUT is a PNG, a JPEG, or a .npy file with one image or a batch (u8: pixels, floats: taken as they are).\n"
                               "`--set 'bad=skip(10)'` leaves out at most 10 files that cannot be used."},
                              run_predict, true};

}  // namespace cnnc::runtime

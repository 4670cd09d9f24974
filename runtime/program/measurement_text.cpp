// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Prints measurements.
#include "runtime/program/measurement_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/formats/text.h"
#include "runtime/program/json_text.h"

namespace cnnc::runtime {
namespace {

constexpr int64_t kMostPrintedClasses = 30;

std::string fixed(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

struct ClassCount {
  int64_t all = 0, right = 0;
  double accuracy() const { return all == 0 ? 0 : static_cast<double>(right) / static_cast<double>(all); }
};

ClassCount count_class(const Measurement& measurement, int64_t c) {
  ClassCount out;
  for (int64_t predicted = 0; predicted < measurement.classes; ++predicted)
    out.all += measurement.confusion[static_cast<size_t>(c * measurement.classes + predicted)];
  out.right = measurement.confusion[static_cast<size_t>(c * measurement.classes + c)];
  return out;
}

std::string padded(const std::string& text, size_t width, bool right) {
  const std::string blanks(text.size() < width ? width - text.size() : 0, ' ');
  return right ? blanks + text : text + blanks;
}

std::string confusion_text(const std::vector<std::string>& names, size_t width, const Measurement& measurement) {
  size_t cell = 3;
  for (int64_t count : measurement.confusion) cell = std::max(cell, std::to_string(count).size());
  cell = std::max(cell, std::to_string(measurement.classes - 1).size());
  std::string out = "confusion matrix (rows: the true class, columns: the predicted one by number)\n  " + std::string(width, ' ');
  for (int64_t c = 0; c < measurement.classes; ++c) out += " " + padded(std::to_string(c), cell, true);
  out += "\n";
  for (int64_t t = 0; t < measurement.classes; ++t) {
    out += "  " + padded(names[static_cast<size_t>(t)], width, false);
    for (int64_t p = 0; p < measurement.classes; ++p)
      out += " " + padded(std::to_string(measurement.confusion[static_cast<size_t>(t * measurement.classes + p)]), cell, true);
    out += "\n";
  }
  return out;
}

}  // namespace

std::string summary_text(const std::string& part, const Measurement& measurement) {
  std::string out = part + " loss " + fixed(measurement.loss) + "\n";
  for (const auto& [name, value] : measurement.metrics)
    if (name != "loss") out += part + " " + name + " " + fixed(value) + "\n";
  return out;
}

std::string classes_text(const Session& session, const Measurement& measurement) {
  if (measurement.classes == 0) return {};
  std::vector<std::string> names;
  size_t width = 0;
  for (int64_t c = 0; c < measurement.classes; ++c) {
    names.push_back(class_name(session, c));
    width = std::max(width, names.back().size());
  }
  std::string out = "accuracy by class\n";
  for (int64_t c = 0; c < measurement.classes; ++c) {
    const ClassCount count = count_class(measurement, c);
    out += "  " + padded(names[static_cast<size_t>(c)], width, false) + "  " + (count.all == 0 ? "-     " : fixed(count.accuracy())) + "  (" +
           std::to_string(count.right) + " of " + std::to_string(count.all) + ")\n";
  }
  if (measurement.classes > kMostPrintedClasses) return out + "the confusion matrix has " + std::to_string(measurement.classes) + " rows: see --json\n";
  return out + confusion_text(names, width, measurement);
}

std::string measurement_json(const Session& session, const std::string& part, const Measurement& measurement) {
  JsonText json;
  json.open('{').key("part").string(part).key("samples").number(measurement.samples).key("loss").number(measurement.loss);
  json.key("metrics").open('{');
  for (const auto& [name, value] : measurement.metrics) json.key(name).number(value);
  json.close('}');
  if (measurement.classes > 0) {
    json.key("classes").open('[');
    for (int64_t c = 0; c < measurement.classes; ++c) {
      const ClassCount count = count_class(measurement, c);
      const std::string name = session.recipe && c < session.recipe->class_count ? session.recipe->classes[c] : std::to_string(c);
      json.open('{').key("name").string(name).key("count").number(count.all).key("accuracy").number(count.accuracy()).close('}');
    }
    json.close(']').key("confusion").open('[');
    for (int64_t t = 0; t < measurement.classes; ++t) {
      json.open('[');
      for (int64_t p = 0; p < measurement.classes; ++p) json.number(measurement.confusion[static_cast<size_t>(t * measurement.classes + p)]);
      json.close(']');
    }
    json.close(']');
  }
  return json.close('}').text() + "\n";
}

}  // namespace cnnc::runtime

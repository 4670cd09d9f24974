// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checkpoint file: tensors by name, `optimizer.MOMENT.NAME`, and metadata with the position and the settings.
#include "runtime/program/checkpoint.h"

#include <charconv>
#include <type_traits>

#include "runtime/formats/error.h"
#include "runtime/formats/safetensors.h"
#include "runtime/formats/text.h"
#include "runtime/program/failure.h"
#include "runtime/program/retries.h"
#include "runtime/program/weights_file.h"
#include "runtime/settings/schema.h"
#include "runtime/settings/words.h"

namespace cnnc::runtime {
namespace {

constexpr const char* kFormat = "cnnc checkpoint 1";

std::string moment_prefix(const cnn_recipe& recipe, int32_t moment) { return "optimizer." + std::string(recipe.moment_names[moment]) + "."; }

formats::Metadata metadata_of(const Model& model, const TrainingPosition& position, const TrainingIdentity& identity) {
  formats::Metadata out = {
      {"format", kFormat},
      {"network", model.program->network},
      {"producer", model.program->compiler},
      {"step", std::to_string(position.step)},
      {"epoch", std::to_string(position.epoch)},
      {"batch", std::to_string(position.batch)},
      {"seed", std::to_string(identity.seed)},
      {"training samples", std::to_string(identity.samples)},
      {"epoch.samples", std::to_string(position.samples)},
      {"epoch.loss", settings::number_text(position.loss_sum)},
      {"epoch.accuracy", settings::number_text(position.accuracy_sum)},
  };
  for (const settings::NamedText& setting : identity.settings) out["setting." + setting.name] = setting.text;
  return out;
}

template <typename Number>
Number number_of(const formats::Safetensors& file, const std::string& key) {
  const auto entry = file.metadata.find(key);
  if (entry == file.metadata.end()) formats::fail(formats::ErrorKind::kDamaged, file.file, "the metadata has no `" + key + "`");
  Number number{};
  const std::string& text = entry->second;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  // Counts are not negative; a sum of losses may be.
  const bool negative_count = std::is_integral_v<Number> && number < 0;
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || negative_count)
    formats::fail(formats::ErrorKind::kDamaged, file.file, "the metadata entry `" + key + "` is no number");
  return number;
}

TrainingPosition position_of(const formats::Safetensors& file) {
  TrainingPosition out;
  out.step = number_of<int64_t>(file, "step");
  out.epoch = number_of<int64_t>(file, "epoch");
  out.batch = number_of<int64_t>(file, "batch");
  out.samples = number_of<int64_t>(file, "epoch.samples");
  out.loss_sum = number_of<double>(file, "epoch.loss");
  out.accuracy_sum = number_of<double>(file, "epoch.accuracy");
  return out;
}

/// Reads and verifies: damage is a FormatError.
formats::Safetensors read_verified(const std::string& path) {
  formats::Safetensors file = with_retries([&] { return formats::read_safetensors(path); });
  const auto format = file.metadata.find("format");
  // A checkpoint that lost only the name of its format has its checksum still, which tells.
  const bool has_checksum = file.metadata.contains(std::string(formats::kChecksumKey));
  if (format == file.metadata.end() && !has_checksum)
    fail(formats::quote_name(path) + " is no checkpoint", "weights alone are given with `--weights`");
  formats::verify_checksum(file);
  if (format == file.metadata.end() || format->second != kFormat)
    fail(formats::quote_name(path) + " has the format " + formats::quote_name(format == file.metadata.end() ? "nothing" : format->second) +
         ", this program reads `" + kFormat + "`");
  return file;
}

struct FoundCheckpoint {
  formats::Safetensors file;
  bool from_previous = false;
};

/// The checkpoint, or the one before where it is damaged or gone.
FoundCheckpoint read_or_previous(const std::string& path) {
  try {
    return {read_verified(path), false};
  } catch (const formats::FormatError& error) {
    const std::string previous = formats::previous_path(path);
    try {
      formats::Safetensors file = read_verified(previous);
      print_diagnostic("warning", error.what(), "going on with the checkpoint before it, " + formats::quote_name(previous));
      return {std::move(file), true};
    } catch (const formats::FormatError&) {
      throw error;
    }
  }
}

void check_identity(const formats::Safetensors& file, const Model& model, const TrainingIdentity& identity) {
  const auto stored = [&](const std::string& key) {
    const auto entry = file.metadata.find(key);
    return entry == file.metadata.end() ? std::string() : entry->second;
  };
  if (stored("network") != model.program->network)
    fail(formats::quote_name(file.file) + " is a checkpoint of the network " + formats::quote_name(stored("network")) + ", not of `" +
         model.program->network + "`");
  std::string changes;
  const auto compare = [&](const std::string& name, const std::string& before, const std::string& now) {
    if (before != now)
      changes += "\n  `" + name + "` was " + formats::quote_name(before.empty() ? "nothing" : before) + " and is now " +
                 formats::quote_name(now.empty() ? "nothing" : now);
  };
  // A setting that is younger than the checkpoint had its default.
  const auto stored_setting = [&](const std::string& name) {
    const settings::SettingDef* def = settings::find_setting(name);
    if (def && !file.metadata.contains("setting." + name)) return std::string(def->default_text);
    return stored("setting." + name);
  };
  for (const settings::NamedText& setting : identity.settings) compare(setting.name, stored_setting(setting.name), setting.text);
  compare("number of training samples", stored("training samples"), std::to_string(identity.samples));
  if (!changes.empty())
    fail(formats::quote_name(file.file) + " was made with other settings:" + changes,
         "resume with the same settings, or start anew from its weights: `--weights " + formats::escape_terminal(file.file) + "`");
}

}  // namespace

void write_checkpoint(const std::string& path, const Model& model, const cnn_recipe& recipe, const TrainingPosition& position,
                      const TrainingIdentity& identity, formats::Rotation rotation) {
  std::vector<formats::TensorView> views;
  const int32_t element = model.program->element;
  append_views(views, "", model.weight_tensors(), element, model.weights);
  append_views(views, "", model.state_tensors(), element, model.states);
  for (int32_t m = 0; m < recipe.moment_count; ++m)
    append_views(views, moment_prefix(recipe, m), model.weight_tensors(), element, model.moment(m));
  const formats::Metadata metadata = metadata_of(model, position, identity);
  with_retries([&] { formats::write_safetensors(path, views, metadata, {rotation, true}); });
}

ResumedCheckpoint read_checkpoint(const std::string& path, Model& model, const cnn_recipe& recipe, const TrainingIdentity& identity) {
  const auto [file, from_previous] = read_or_previous(path);
  check_identity(file, model, identity);
  read_weights(file, model);
  std::vector<std::string> problems;
  for (int32_t m = 0; m < recipe.moment_count; ++m)
    read_tensors(file, moment_prefix(recipe, m), model.weight_tensors(), model.program->element, model.moment(m), problems);
  if (!problems.empty()) fail(formats::quote_name(path) + " does not fit the optimizer: " + problems.front());
  return {position_of(file), from_previous};
}

}  // namespace cnnc::runtime

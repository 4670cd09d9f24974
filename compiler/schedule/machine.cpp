// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A machine's file: writing, and reading with everything checked.
#include "schedule/machine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "support/limits.h"
#include "support/text.h"

namespace cnnc {
namespace {

using nlohmann::json;

std::string speeds_text(const CoreSpeeds& speeds) { return fmt::format(R"({{"one_core": {:.2f}, "all_cores": {:.2f}}})", speeds.one_core, speeds.all_cores); }

/// A value of the file, with the names that lead to it.
struct Place {
  const json* value = nullptr;
  std::vector<std::string> names;

  std::string text() const { return fmt::format("{}", fmt::join(names, ".")); }
};

/// Reads values and reports what is missing, unknown, of another type, or out of its range.
class MachineReader {
 public:
  MachineReader(const SourceManager& sources, int32_t source, Diagnostics& diagnostics) : text_(sources.file(source).text), source_(source), diagnostics_(diagnostics) {}

  std::optional<Machine> run() {
    if (text_.size() > limits::kMaximumSourceBytes) return refuse(0, fmt::format("a file of a machine has at most {} MB", limits::kMaximumSourceBytes >> 20)), std::nullopt;
    json root;
    try {
      root = json::parse(text_);
    } catch (const json::parse_error& failure) {
      return refuse(failure.byte > 0 ? failure.byte - 1 : 0, "this is not JSON: `cnnc machine -o FILE` writes a file of a machine"), std::nullopt;
    }
    Machine machine;
    const Place all{&root, {}};
    if (!has_only(all, {"processor", "target", "cores", "gigahertz", "peak_gflops", "levels"})) return {};
    read_text(all, "processor", machine.processor);
    read_text(all, "target", machine.target);
    if (!machine.target.empty() && !find_target(machine.target)) complain(*part(all, "target"), fmt::format("there is no target `{}`", abbreviate(machine.target)));
    double cores = 1;
    read_number(all, "cores", {1, 1 << 16, true}, cores);
    machine.cores = static_cast<int>(cores);
    read_number(all, "gigahertz", {0.1, 100}, machine.gigahertz);
    read_speeds(all, "peak_gflops", machine.peak_gflops);
    if (const auto levels = part(all, "levels"); levels && has_only(*levels, {kMachineLevels.begin(), kMachineLevels.end()})) read_levels(*levels, machine);
    return is_right_ ? std::optional(machine) : std::nullopt;
  }

 private:
  struct Range {
    double least, most;
    bool whole = false;
  };

  /// Where the last of the names stands, each behind the one before: what is not there stands where it is missing.
  uint32_t position_of(const std::vector<std::string>& names) const {
    size_t found = 0;
    for (const std::string& name : names)
      if (const size_t next = text_.find('"' + name + '"', found); next != std::string::npos) found = next;
    return static_cast<uint32_t>(found);
  }
  void refuse(size_t byte, std::string message) {
    is_right_ = false;
    const auto begin = static_cast<uint32_t>(std::min(byte, text_.size()));
    diagnostics_.error(DiagnosticKind::BadMachine, {source_, begin, begin}, std::move(message));
  }
  void complain(const Place& place, std::string message) {
    const bool is_told = diagnostics_.error_count() < Diagnostics::kMaximum;
    refuse(is_told ? position_of(place.names) : 0, std::move(message));
  }

  /// Whether it is an object; names that are not known are reported.
  bool has_only(const Place& place, const std::vector<std::string>& known) {
    if (!place.value->is_object()) return complain(place, place.names.empty() ? "a machine is a JSON object" : fmt::format("`{}` is an object", place.text())), false;
    for (const auto& [name, value] : place.value->items()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      Place unknown = place;
      unknown.names.push_back(name);
      complain(unknown, fmt::format("`{}` is no fact of a machine; there are {}", abbreviate(escape_control(unknown.text())), fmt::join(known, ", ")));
    }
    return true;
  }

  std::optional<Place> part(const Place& place, const std::string& name) {
    Place result = place;
    result.names.push_back(name);
    const auto found = place.value->find(name);
    if (found == place.value->end()) return complain(place, fmt::format("`{}` is missing", result.text())), std::nullopt;
    result.value = &*found;
    return result;
  }

  void read_text(const Place& place, const std::string& name, std::string& into) {
    const auto found = part(place, name);
    if (!found) return;
    if (found->value->is_string() && !found->value->get_ref<const std::string&>().empty()) into = found->value->get<std::string>();
    else complain(*found, fmt::format("`{}` is a text", found->text()));
  }

  void read_number(const Place& place, const std::string& name, Range range, double& into) {
    const auto found = part(place, name);
    if (!found) return;
    const double value = found->value->is_number() ? found->value->get<double>() : std::nan("");
    if (value >= range.least && value <= range.most && (!range.whole || value == std::floor(value))) into = value;
    else complain(*found, fmt::format("`{}` is {}, it may be {} {} to {}", found->text(), value_text(*found->value), range.whole ? "a whole number" : "a number", range.least, range.most));
  }

  /// What was found; of arrays and objects, which may be deep, only that.
  static std::string value_text(const json& value) {
    return value.is_primitive() ? abbreviate(escape_control(value.dump(-1, ' ', true))) : std::string("an ") + value.type_name();
  }

  void read_speeds(const Place& place, const std::string& name, CoreSpeeds& into) {
    constexpr Range kSpeeds{0.01, 1e7};
    const auto found = part(place, name);
    if (!found || !has_only(*found, {"one_core", "all_cores"})) return;
    read_number(*found, "one_core", kSpeeds, into.one_core);
    read_number(*found, "all_cores", kSpeeds, into.all_cores);
  }

  void read_levels(const Place& place, Machine& machine) {
    constexpr Range kBytes{1024, 1e12, true};
    for (size_t i = 0; i < machine.levels.size(); ++i) {
      const bool is_cache = i + 1 < machine.levels.size();
      const auto found = part(place, std::string(kMachineLevels[i]));
      std::vector<std::string> known = {"read_gbs", "copy_gbs"};
      if (is_cache) known.insert(known.begin(), "bytes");
      if (!found || !has_only(*found, known)) continue;
      double bytes = 0;
      if (is_cache) read_number(*found, "bytes", kBytes, bytes);
      machine.levels[i].bytes = static_cast<int64_t>(bytes);
      read_speeds(*found, "read_gbs", machine.levels[i].read_gbs);
      read_speeds(*found, "copy_gbs", machine.levels[i].copy_gbs);
      const bool is_smaller = is_cache && i > 0 && bytes > 0 && machine.levels[i].bytes < machine.levels[i - 1].bytes;
      if (is_smaller) complain(*found, fmt::format("`{}.bytes` is {}, smaller than the level before", found->text(), bytes));
    }
  }

  const std::string& text_;
  const int32_t source_;
  Diagnostics& diagnostics_;
  bool is_right_ = true;
};

}  // namespace

std::string to_string(const Machine& machine) {
  std::string text = fmt::format("{{\n  \"processor\": {},\n  \"target\": \"{}\",\n  \"cores\": {},\n  \"gigahertz\": {:.2f},\n  \"peak_gflops\": {},\n  \"levels\": {{\n",
                                 json(machine.processor).dump(-1, ' ', true, json::error_handler_t::replace), machine.target, machine.cores, machine.gigahertz, speeds_text(machine.peak_gflops));
  for (size_t i = 0; i < machine.levels.size(); ++i) {
    const MachineLevel& level = machine.levels[i];
    const std::string bytes = level.bytes > 0 ? fmt::format("\"bytes\": {}, ", level.bytes) : "";
    text += fmt::format("    \"{}\": {{{}\"read_gbs\": {}, \"copy_gbs\": {}}}{}\n", kMachineLevels[i], bytes, speeds_text(level.read_gbs), speeds_text(level.copy_gbs),
                        i + 1 < machine.levels.size() ? "," : "");
  }
  return text + "  }\n}\n";
}

std::optional<Machine> read_machine_file(const SourceManager& sources, int32_t source, Diagnostics& diagnostics) {
  return MachineReader(sources, source, diagnostics).run();
}

Target target_of(const Target& target, const Machine& machine) {
  Target result = target;
  result.level2_bytes = machine.levels[1].bytes;
  result.level3_bytes = machine.levels[2].bytes;
  result.peak_gflops = machine.peak_gflops.one_core;
  result.level3_gbs = machine.levels[2].read_gbs.one_core;
  result.memory_gbs = machine.levels[3].read_gbs.one_core;
  return result;
}

}  // namespace cnnc

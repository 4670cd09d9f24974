// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Greedy: takes the first change that keeps the failure, and starts again.
#include "test/random/shrink.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

namespace cnnc::random_programs {
namespace {

void replace_value(RandomProgram& program, const std::string& name, const std::string& by) {
  for (Statement& statement : program.statements)
    for (std::string& input : statement.inputs)
      if (input == name) input = by;
  if (program.output == name) program.output = by;
}

/// Whole numbers of a text, each made smaller: "[3, 5]" → "[1, 5]", "[2, 5]", "[3, 1]", "[3, 4]".
std::vector<std::string> smaller_numbers(const std::string& text) {
  std::vector<std::string> result;
  for (size_t begin = 0; begin < text.size(); ++begin) {
    if (text[begin] < '0' || text[begin] > '9' || (begin > 0 && (std::isalnum(static_cast<unsigned char>(text[begin - 1])) || text[begin - 1] == '.'))) continue;
    int64_t number = 0;
    const char* end = std::from_chars(text.data() + begin, text.data() + text.size(), number).ptr;
    if (end != text.data() + text.size() && *end == '.') continue;
    for (const int64_t smaller : {int64_t{0}, int64_t{1}, number / 2, number - 1})
      if (smaller >= 0 && smaller < number) result.push_back(text.substr(0, begin) + fmt::format("{}", smaller) + std::string(end, text.data() + text.size()));
  }
  return result;
}

/// All programs that are one change smaller; the boldest changes first.
std::vector<RandomProgram> smaller_programs(const RandomProgram& program) {
  std::vector<RandomProgram> result;
  const auto offer = [&](RandomProgram changed) { result.push_back(without_unused(changed)); };
  for (const Statement& statement : program.statements)      // ends the network here
    for (const std::string& name : value_names(statement))
      if (name != program.output) {
        RandomProgram changed = program;
        changed.output = name;
        offer(changed);
      }
  for (const Statement& statement : program.statements)      // goes around this statement
    for (const std::string& input : statement.inputs)
      for (const std::string& name : value_names(statement)) {
        RandomProgram changed = program;
        replace_value(changed, name, input);
        offer(changed);
      }
  for (const char* loss : {"mse", "l1", "cross_entropy"})
    if (program.loss != loss && program.loss.find('(') != std::string::npos) {
      RandomProgram changed = program;
      changed.loss = loss;
      offer(changed);
    }
  if (program.loss != "mse") {
    RandomProgram changed = program;
    changed.loss = "mse";
    offer(changed);
  }
  if (!program.metrics.empty() || !program.optimizer.empty()) {
    RandomProgram changed = program;
    changed.metrics = changed.optimizer = "";
    offer(changed);
  }
  for (size_t s = 0; s < program.statements.size(); ++s) {
    const Statement& statement = program.statements[s];
    if (!statement.shared.empty()) {
      RandomProgram changed = program;
      changed.statements[s].shared.clear();
      offer(changed);
    }
    for (size_t a = 0; a < statement.arguments.size(); ++a) {
      if (!statement.arguments[a].required) {
        RandomProgram changed = program;
        changed.statements[s].arguments.erase(changed.statements[s].arguments.begin() + static_cast<std::ptrdiff_t>(a));
        offer(changed);
      }
      for (const std::string& text : smaller_numbers(statement.arguments[a].text)) {
        RandomProgram changed = program;
        changed.statements[s].arguments[a].text = text;
        if (statement.arguments[a].name == "parts" && statement.parts > 0) continue;
        offer(changed);
      }
    }
    for (size_t i = statement.piped ? 1 : 0; i < statement.inputs.size(); ++i)
      if (statement.inputs[i] != "image") {
        RandomProgram changed = program;
        changed.statements[s].inputs[i] = "image";
        offer(changed);
      }
  }
  for (size_t axis = 0; axis < program.input.size(); ++axis)
    for (const int64_t smaller : {int64_t{1}, program.input[axis] / 2, program.input[axis] - 1})
      if (smaller >= 1 && smaller < program.input[axis]) {
        RandomProgram changed = program;
        changed.input[axis] = smaller;
        offer(changed);
      }
  for (int64_t batch = 1; batch < program.batch; ++batch) {
    RandomProgram changed = program;
    changed.batch = batch;
    offer(changed);
  }
  return result;
}

}  // namespace

RandomProgram shrink(const RandomProgram& program, const std::function<bool(const RandomProgram&)>& fails) {
  RandomProgram smallest = program;
  for (bool again = true; again;) {
    again = false;
    for (const RandomProgram& candidate : smaller_programs(smallest)) {
      if (!analyse_text(to_text(candidate), ElementType::F32) || !fails(candidate)) continue;
      smallest = candidate;
      again = true;
      break;
    }
  }
  return smallest;
}

}  // namespace cnnc::random_programs

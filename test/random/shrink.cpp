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

/// All programs that are one change smaller than `program`; the boldest changes first.
class Changes {
 public:
  explicit Changes(const RandomProgram& program) : program_(program) {}

  std::vector<RandomProgram> all() {
    leave_out_statements();
    simplify_recipe();
    for (size_t s = 0; s < program_.statements.size(); ++s) simplify_statement(s);
    make_input_smaller();
    return std::move(result_);
  }

 private:
  /// Keeps a copy of the program to which `change` was done.
  template <class Change>
  void offer(Change change) {
    RandomProgram changed = program_;
    change(changed);
    result_.push_back(without_unused(changed));
  }

  /// Ends the network at an earlier value, or goes around a statement.
  void leave_out_statements() {
    for (const Statement& statement : program_.statements)
      for (const std::string& name : value_names(statement))
        if (name != program_.output) offer([&](RandomProgram& changed) { changed.output = name; });
    for (const Statement& statement : program_.statements)
      for (const std::string& input : statement.inputs)
        for (const std::string& name : value_names(statement)) offer([&](RandomProgram& changed) { replace_value(changed, name, input); });
  }

  void simplify_recipe() {
    for (const char* loss : {"mse", "l1", "cross_entropy"})
      if (program_.loss != loss && (program_.loss.find('(') != std::string::npos || loss == std::string("mse")))
        offer([&](RandomProgram& changed) { changed.loss = loss; });
    if (!program_.metrics.empty() || !program_.optimizer.empty()) offer([](RandomProgram& changed) { changed.metrics = changed.optimizer = ""; });
  }

  void simplify_statement(size_t s) {
    const Statement& statement = program_.statements[s];
    if (!statement.shared.empty()) offer([&](RandomProgram& changed) { changed.statements[s].shared.clear(); });
    for (size_t a = 0; a < statement.arguments.size(); ++a) {
      const Statement::Argument& argument = statement.arguments[a];
      if (!argument.required)
        offer([&](RandomProgram& changed) {
          auto& arguments = changed.statements[s].arguments;
          arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(a));
        });
      if (argument.name == "parts" && statement.parts > 0) continue;      // says which values there are
      for (const std::string& text : smaller_numbers(argument.text))
        offer([&](RandomProgram& changed) { changed.statements[s].arguments[a].text = text; });
    }
    for (size_t i = statement.piped ? 1 : 0; i < statement.inputs.size(); ++i)
      if (statement.inputs[i] != "image") offer([&](RandomProgram& changed) { changed.statements[s].inputs[i] = "image"; });
  }

  void make_input_smaller() {
    for (size_t axis = 0; axis < program_.input.size(); ++axis)
      for (const int64_t smaller : {int64_t{1}, program_.input[axis] / 2, program_.input[axis] - 1})
        if (smaller >= 1 && smaller < program_.input[axis]) offer([&](RandomProgram& changed) { changed.input[axis] = smaller; });
    for (int64_t batch = 1; batch < program_.batch; ++batch) offer([&](RandomProgram& changed) { changed.batch = batch; });
  }

  const RandomProgram& program_;
  std::vector<RandomProgram> result_;
};

}  // namespace

RandomProgram shrink(const RandomProgram& program, const std::function<bool(const RandomProgram&)>& fails) {
  RandomProgram smallest = program;
  for (bool again = true; again;) {
    again = false;
    for (const RandomProgram& candidate : Changes(smallest).all()) {
      if (!analyse_text(to_text(candidate), ElementType::F32) || !fails(candidate)) continue;
      smallest = candidate;
      again = true;
      break;
    }
  }
  return smallest;
}

}  // namespace cnnc::random_programs

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Settings in force, threads, memory.
#include "runtime/program/session.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "runtime/formats/text.h"
#include "runtime/program/failure.h"
#include "runtime/settings/schema.h"
#include "runtime/settings/words.h"

namespace cnnc::runtime {
namespace {

using settings::NamedText;

constexpr int64_t kMostThreads = 256;
constexpr int64_t kLargestNumber = 1'000'000'000;

const cnn_recipe* choose_recipe(const cnn_program& program, const CommandLine& line) {
  const std::optional<std::string> wanted = line.text("--recipe");
  if (!wanted) return program.recipe_count > 0 ? program.recipes : nullptr;
  std::vector<std::string> names;
  for (int32_t i = 0; i < program.recipe_count; ++i) {
    if (*wanted == program.recipes[i].name) return &program.recipes[i];
    names.emplace_back(program.recipes[i].name);
  }
  fail_usage("there is no recipe " + formats::quote_name(*wanted), names.empty() ? "the program has none" : "there are " + settings::join_choices(names, "and"));
}

void put(std::vector<NamedText>& texts, const std::string& name, const std::string& text) {
  for (NamedText& own : texts)
    if (own.name == name) {
      own.text = text;
      return;
    }
  texts.push_back({name, text});
}

/// `--set NAME=VALUE` into the texts.
void apply_overrides(const CommandLine& line, const cnn_recipe* recipe, std::vector<NamedText>& texts) {
  for (const std::string& override_text : line.texts("--set")) {
    const size_t equals = override_text.find('=');
    if (equals == std::string::npos || equals == 0) fail_usage("`--set " + formats::escape_terminal(override_text) + "` has no `=`", "write `--set batch=64`");
    if (!recipe) fail_usage("`--set` changes a `train` block, but the program has none");
    const std::string name = override_text.substr(0, equals), value = override_text.substr(equals + 1);
    const settings::Problem problem = settings::check_override(name, value, recipe->optimizer);
    if (!problem.message.empty()) fail_usage("`--set " + formats::escape_terminal(name) + "`: " + problem.message, problem.help);
    put(texts, name, std::get<std::string>(settings::check(name, value)));
  }
  const auto whole = [&](const char* option, const char* name, int64_t minimum, int64_t maximum) {
    if (const auto number = line.whole_number(option, minimum, maximum)) put(texts, name, std::to_string(*number));
  };
  whole("--batch", "batch", 1, kLargestNumber);
  whole("--epochs", "epochs", 0, kLargestNumber);
  whole("--seed", "seed", 0, int64_t{1} << 53);
}

/// `--rate R` changes one argument of the optimizer.
void apply_rate(const CommandLine& line, settings::Recipe& recipe) {
  const std::optional<std::string> text = line.text("--rate");
  if (!text) return;
  double rate = 0;
  const auto result = std::from_chars(text->data(), text->data() + text->size(), rate);
  if (result.ec != std::errc() || result.ptr != text->data() + text->size() || !(rate >= 0) || !std::isfinite(rate))
    fail_usage("`--rate` must be a number of at least 0, but it is " + formats::quote_name(*text));
  recipe.optimizer.rate = rate;
}

std::vector<NamedText> with_defaults(const std::vector<NamedText>& texts, const settings::Recipe& recipe) {
  std::vector<NamedText> out;
  for (const settings::SettingDef& def : settings::all_settings()) {
    if (!def.available) continue;
    std::string text(def.default_text);
    for (const NamedText& own : texts)
      if (own.name == def.name) text = own.text;
    out.push_back({std::string(def.name), text});
  }
  out.push_back({"rate", settings::number_text(recipe.optimizer.rate)});
  return out;
}

/// A pool of so many threads, or of half as many as the system gives: their stacks would take all memory that is left.
std::unique_ptr<ThreadPool> make_pool(int threads) {
  auto pool = std::make_unique<ThreadPool>(threads);
  const int given = pool->threads();
  if (given == threads) return pool;
  const int used = std::max(1, given / 2);
  print_diagnostic("note", "the system gives " + std::to_string(given) + " of " + std::to_string(threads) +
                               " threads, because of limits of memory or processes; " + std::to_string(used) + " are used");
  pool.reset();
  return std::make_unique<ThreadPool>(used);
}

}  // namespace

Session make_session(const cnn_program& program, const CommandLine& line) {
  Session out;
  out.program = &program;
  out.recipe = choose_recipe(program, line);
  std::vector<NamedText> texts;
  if (out.recipe)
    for (int32_t i = 0; i < out.recipe->setting_count; ++i)
      texts.push_back({out.recipe->settings[i].name, out.recipe->settings[i].text});
  apply_overrides(line, out.recipe, texts);
  const auto parsed = settings::parse_recipe(texts);
  if (const auto* problem = std::get_if<settings::Problem>(&parsed)) fail("settings: " + problem->message, problem->help);
  out.settings = std::get<settings::Recipe>(parsed);
  apply_rate(line, out.settings);
  out.effective = with_defaults(texts, out.settings);
  const int64_t threads = line.whole_number("--threads", 1, kMostThreads).value_or(default_threads());
  out.pool = make_pool(static_cast<int>(threads));
  out.context.parallel_for = ThreadPool::parallel_for;
  out.context.pool = out.pool.get();
  out.context.threads = out.pool->threads();
  return out;
}

const cnn_recipe& require_training(const Session& session) {
  const std::string network = session.program->network;
  if (!session.recipe)
    throw Failure(kBadUsage, "the network has no `train` block, so the program does not know how to train or measure it",
                  "add this to the .cnn file and build again:\n\n    train " + network +
                      " {\n        data = idx(\"FOLDER\")\n        loss = cross_entropy\n    }\n");
  if (!session.recipe->gradients || !session.recipe->update || !session.recipe->evaluate)
    throw Failure(kBadUsage, "the network has no weights: there is nothing to train");
  return *session.recipe;
}

int64_t class_count(const cnn_recipe& recipe) {
  if (!recipe.evaluate) return 0;
  int64_t count = 0, outputs = 0;
  for (int32_t i = 0; i < recipe.evaluate->column_count; ++i) {
    const cnn_column& column = recipe.evaluate->columns[i];
    if (column.role != CNN_OUTPUT) continue;
    ++outputs;
    count = column.rank > 0 ? column.dims[0] : 1;
  }
  return outputs == 1 ? count : 0;
}

std::string class_name(const Session& session, int64_t index) {
  if (session.recipe && index < session.recipe->class_count) return formats::escape_terminal(session.recipe->classes[index]);
  return std::to_string(index);
}

std::unique_ptr<Arena> allocate_buffers(const std::function<void(Arena&, int64_t)>& plan, int64_t batch) {
  auto arena = std::make_unique<Arena>();
  plan(*arena, batch);
  const uint64_t needed = arena->bytes();
  if (arena->allocate()) return arena;
  const uint64_t there = available_memory();
  const auto fits = [&](int64_t smaller) {
    Arena trial;
    plan(trial, smaller);
    return trial.bytes() <= there;
  };
  int64_t low = 0, high = batch;  // `low` fits (or is 0), `high` does not
  while (low + 1 < high) {
    const int64_t middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  fail("a batch of " + std::to_string(batch) + " needs " + memory_text(needed) + " of memory, but " + memory_text(there) + " are there",
       low > 0 ? "the largest batch that fits is " + std::to_string(low) + ": `--batch " + std::to_string(low) + "`"
               : "not even a batch of 1 fits");
}

}  // namespace cnnc::runtime

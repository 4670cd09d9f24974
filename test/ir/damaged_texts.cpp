// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Damaged texts of modules: cut anywhere, with bytes changed, lines dropped, words exchanged. The reader reports at a place inside
// the text or gives a module that holds every invariant; it never fails otherwise.
#include <gtest/gtest.h>

#include <random>

#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "random_graphs.h"

namespace cnnc::test {
namespace {

/// A text with every construct there is, and many ops.
std::string whole_text() {
  Module module = random_module(3);
  module.recipes = {{"default", {{"optimizer", "sgd(rate: 0.05)", {}}}, {"a \"class\"", "another"}}};
  module.inputs.push_back({"label", Role::Label, {ElementType::I32, true, {}}});
  for (uint32_t seed = 4; seed < 8; ++seed) {
    Module more = random_module(seed);
    more.functions[0].name = "f" + std::to_string(seed);
    for (Parameter& parameter : more.parameters) {
      const std::string name = more.functions[0].name + "." + parameter.name;
      for (Port& port : more.functions[0].arguments) {
        if (port.name == parameter.name) port.name = name;
      }
      parameter.name = name;
    }
    module.parameters.insert(module.parameters.end(), more.parameters.begin(), more.parameters.end());
    module.functions.push_back(std::move(more.functions[0]));
  }
  return to_string(module);
}

/// Reads the text; whether it was refused.
bool refused(const std::string& text) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const Module module = parse_module(sources, sources.add("test.ir", text), diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    EXPECT_TRUE(diagnostic.range.valid()) << diagnostic.message;
    EXPECT_LE(diagnostic.range.begin, diagnostic.range.end) << diagnostic.message;
    EXPECT_LE(diagnostic.range.end, text.size()) << diagnostic.message;
    EXPECT_FALSE(diagnostic.message.empty());
  }
  if (diagnostics.has_errors()) {
    EXPECT_FALSE(diagnostics.render(false).empty());
    return true;
  }
  verify(module, "reading");
  EXPECT_EQ(to_string(module), [&] {
    SourceManager again;
    Diagnostics none(again);
    return to_string(parse_module(again, again.add("again.ir", to_string(module)), none));
  }());
  return false;
}

TEST(DamagedTexts, TheWholeTextIsRead) { EXPECT_FALSE(refused(whole_text())); }

TEST(DamagedTexts, CutAnywhere) {
  const std::string text = whole_text();
  for (size_t length = 0; length < text.size(); length += length < 600 ? 1 : 37) {
    ASSERT_NO_THROW(refused(text.substr(0, length))) << "cut after " << length << " bytes";
  }
  EXPECT_TRUE(refused(text.substr(0, text.size() - 2)));
}

TEST(DamagedTexts, BytesChanged) {
  const std::string text = whole_text();
  std::mt19937 random(1);
  int refusals = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = text;
    const size_t place = random() % damaged.size();
    constexpr std::string_view kBytes = "09 -+.,:=%#@(){}[]\"\\\nNnxef/;<\x00\x80\xff\x1b";
    damaged[place] = i % 2 == 0 ? kBytes[random() % kBytes.size()] : static_cast<char>(damaged[place] ^ (1 << (random() % 8)));
    ASSERT_NO_THROW(refusals += refused(damaged) ? 1 : 0) << "byte " << place << " of\n" << damaged.substr(place < 80 ? 0 : place - 80, 160);
  }
  EXPECT_GT(refusals, 1500);
}

TEST(DamagedTexts, NumbersChanged) {
  const std::string text = whole_text();
  const char* const kNumbers[] = {"0", "-1", "1", "2", "99999999999999999999", "9223372036854775807", "-9223372036854775808",
                                  "4294967296", "1099511627776", "1.5", "nan", "inf", "1e999"};
  std::mt19937 random(2);
  for (int i = 0; i < 3000; ++i) {
    size_t begin = random() % text.size();
    while (begin < text.size() && !std::isdigit(static_cast<unsigned char>(text[begin]))) ++begin;
    size_t end = begin;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
    std::string damaged = text;
    damaged.replace(begin, end - begin, kNumbers[random() % std::size(kNumbers)]);
    ASSERT_NO_THROW(refused(damaged)) << damaged.substr(begin < 80 ? 0 : begin - 80, 160);
  }
}

TEST(DamagedTexts, LinesDroppedDoubledAndExchanged) {
  const std::string text = whole_text();
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin) + 1;
    lines.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  std::mt19937 random(3);
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::string> damaged = lines;
    const size_t a = random() % lines.size(), b = random() % lines.size();
    if (i % 3 == 0) damaged[a].clear();
    if (i % 3 == 1) damaged[b] = lines[a];
    if (i % 3 == 2) std::swap(damaged[a], damaged[b]);
    std::string joined;
    for (const std::string& line : damaged) joined += line;
    ASSERT_NO_THROW(refused(joined)) << lines[a] << lines[b];
  }
}

}  // namespace
}  // namespace cnnc::test

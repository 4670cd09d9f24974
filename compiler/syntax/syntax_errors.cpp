// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An unexpected token → the diagnostic that helps most. The rules are tried in order, from mistakes that are known (words
// and habits of other languages) to what the grammar says.
#include "syntax/syntax_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "support/text.h"
#include "syntax/foreign_words.h"

namespace cnnc {
namespace {

/// The unexpected token and what is around it.
class Situation {
 public:
  Situation(const TokenStream& stream, const std::vector<TokenKind>& expected) : stream_(stream), expected_(expected) {
    // The first token of the statement that the unexpected one stands in.
    first_ = stream.index();
    while (first_ > 0 && !ends_statement_before(tokens()[first_ - 1].kind)) --first_;
  }

  const std::vector<Token>& tokens() const { return stream_.tokens(); }
  const Token& found() const { return tokens()[stream_.index()]; }
  const Token& before() const { return tokens()[stream_.index() - 1]; }
  const Token& after() const { return tokens()[std::min(stream_.index() + 1, tokens().size() - 1)]; }
  size_t first_index() const { return first_; }
  const Token& first() const { return tokens()[first_]; }
  std::string_view text(const Token& token) const { return stream_.sources().text(token.range); }
  bool expects(TokenKind kind) const { return std::find(expected_.begin(), expected_.end(), kind) != expected_.end(); }
  const std::vector<TokenKind>& expected() const { return expected_; }
  /// Whether a token of this kind stands between the start of the statement and the unexpected token.
  bool statement_has(TokenKind kind) const {
    for (size_t i = first_; i < stream_.index(); ++i) {
      if (tokens()[i].kind == kind) return true;
    }
    return false;
  }
  /// Whether an item is expected here: nothing of a body or a setting is open.
  bool at_item() const { return expects(Tokens::NETWORK) && expects(Tokens::TRAIN); }
  bool after_value() const {
    const TokenKind kind = before().kind;
    return kind == Tokens::NAME || kind == Tokens::NUMBER || kind == Tokens::QUANTITY || kind == Tokens::STRING || kind == Tokens::TRUE ||
           kind == Tokens::FALSE || is_closer(kind);
  }
  bool starts_value() const {
    const TokenKind kind = found().kind;
    return kind == Tokens::NAME || kind == Tokens::NUMBER || kind == Tokens::QUANTITY || kind == Tokens::STRING || kind == Tokens::TRUE ||
           kind == Tokens::FALSE || kind == Tokens::IF || kind == Tokens::NOT;
  }

 private:
  static bool ends_statement_before(TokenKind kind) {
    return kind == Tokens::STATEMENT_END || kind == Tokens::LEFT_BRACE || kind == Tokens::FILE_START || kind == Tokens::EXPRESSION_START;
  }

  const TokenStream& stream_;
  const std::vector<TokenKind>& expected_;
  size_t first_ = 0;
};

/// What a rule has to say: the message, and the help below it.
struct Explanation {
  std::string message;
  std::string help;
  SourceRange range{};  // of the unexpected token, if it has none of its own
};
using Rule = std::optional<Explanation> (*)(const Situation&);

bool is_word_of_language(TokenKind kind) { return kind >= Tokens::NETWORK && kind <= Tokens::FALSE; }

std::string describe(const Situation& at) {
  const Token& token = at.found();
  if (token.kind == Tokens::STATEMENT_END && at.text(token) == ";") return "`;`";
  if (token.kind == Tokens::STATEMENT_END || token.kind == Tokens::END) {
    const std::string_view article = "the ";
    return std::string(grammar::token_text(token.kind)).substr(article.size());
  }
  return fmt::format("`{}`", abbreviate(at.text(token), 40));
}

std::optional<Explanation> word_of_another_language(const Situation& at) {
  if (at.first().kind != Tokens::NAME) return std::nullopt;
  const std::string_view word = at.text(at.first());
  const std::optional<ForeignWord> foreign = foreign_statement(word);
  if (!foreign) return std::nullopt;
  return Explanation{fmt::format("there is no `{}`", word), foreign->help, at.first().range};
}

std::optional<Explanation> module_of_a_framework(const Situation& at) {
  // `-> nn.ReLU()`: the parser stops at the point. `model = nn.Sequential(…)` at the top stops at the first word.
  for (size_t i = at.first_index(); i + 2 < at.tokens().size(); ++i) {
    const Token& module = at.tokens()[i];
    if (module.kind == Tokens::STATEMENT_END || module.kind == Tokens::END || module.range.begin > at.found().range.end + 200) break;
    const Token& member = at.tokens()[i + 2];
    if (module.kind != Tokens::NAME || at.tokens()[i + 1].kind != Tokens::DOT || member.kind != Tokens::NAME) continue;
    if (!at.at_item() && at.found().kind != Tokens::DOT) continue;
    if (const std::optional<ForeignWord> foreign = foreign_member(at.text(module), at.text(member))) {
      return Explanation{fmt::format("there is no `{}.{}`", at.text(module), at.text(member)), foreign->help, cover(module.range, member.range)};
    }
  }
  return std::nullopt;
}

std::optional<Explanation> body_without_braces(const Situation& at) {
  const std::string_view word = at.text(at.found());
  const bool is_then = at.found().kind == Tokens::NAME && (word == "then" || word == "do");
  const bool is_colon = at.found().kind == Tokens::COLON;
  if ((!is_then && !is_colon) || !(at.statement_has(Tokens::IF) || at.statement_has(Tokens::ELSE))) return std::nullopt;
  return Explanation{fmt::format("the branches of an `if` stand in braces, without `{}`", word), "write `if c { a } else { b }`"};
}

std::optional<Explanation> body_after_colon(const Situation& at) {
  if (at.found().kind != Tokens::COLON || !at.expects(Tokens::LEFT_BRACE)) return std::nullopt;
  return Explanation{"a body stands in braces, without `:`", "write `{ … }`"};
}

std::optional<Explanation> comma_between_lines(const Situation& at) {
  if (at.found().kind != Tokens::COMMA || !at.expects(Tokens::STATEMENT_END)) return std::nullopt;
  return Explanation{"unexpected `,`", "statements and settings are separated by line ends or `;`"};
}

std::optional<Explanation> conditional_after_value(const Situation& at) {
  if (at.found().kind != Tokens::IF || !at.after_value()) return std::nullopt;
  return Explanation{"the condition stands before the value", "write `if c { a } else { b }`"};
}

std::optional<Explanation> if_without_else(const Situation& at) {
  if (at.expected().size() != 1 || !at.expects(Tokens::ELSE)) return std::nullopt;
  const SourceRange end = at.before().range;
  return Explanation{"an `if` has a value, so it needs its `else`", "write `if c { a } else { b }`; `else { x }` hands `x` on unchanged", end};
}

std::optional<Explanation> else_without_if(const Situation& at) {
  if (at.found().kind != Tokens::ELSE) return std::nullopt;
  return Explanation{"this `else` belongs to no `if`", "write `if c { a } else { b }`; in an index `x[i - 1 else 0]`"};
}

std::optional<Explanation> piped_arithmetic(const Situation& at) {
  if (at.found().kind != Tokens::ARROW || !at.after_value()) return std::nullopt;
  return Explanation{"it is not clear what is piped: all that stands before the arrow, or a part of it",
                     "put brackets around what is piped: `(a + b) -> f` or `a + (b -> f)`"};
}

std::optional<Explanation> arithmetic_on_pipe(const Situation& at) {
  const TokenKind kind = at.found().kind;
  const bool is_operator = (kind >= Tokens::EQUAL && kind <= Tokens::GREATER) || (kind >= Tokens::PLUS && kind <= Tokens::CARET) ||
                           kind == Tokens::AND || kind == Tokens::OR;
  if (!is_operator || !at.after_value() || !at.expects(Tokens::ARROW)) return std::nullopt;
  return Explanation{fmt::format("`{}` cannot follow a pipe", at.text(at.found())), "put the pipe in brackets: `(a -> f) + b`"};
}

std::optional<Explanation> comparison_with_one_sign(const Situation& at) {
  if (at.found().kind != Tokens::ASSIGN || !at.after_value()) return std::nullopt;
  if (at.statement_has(Tokens::IF)) return Explanation{"`=` gives a name its value; here values are compared", "write `==`"};
  return Explanation{"`=` stands after a name that gets its value", "to compare write `==`; an argument is named with `:`"};
}

std::optional<Explanation> unnamed_result(const Situation& at) {
  if (at.first().kind != Tokens::RETURN || at.statement_has(Tokens::COLON)) return std::nullopt;
  return Explanation{"`return` gives several results, each with a name",
                     "write `return mean: a, logvar: b`; a single value is the last line alone, without `return`", at.first().range};
}

std::optional<Explanation> reserved_word(const Situation& at) {
  const auto explain = [&](const Token& word) {
    return Explanation{fmt::format("`{}` is a word of the language and cannot be a name", at.text(word)), "choose another name", word.range};
  };
  // `state = x` and `conv(in)` are noticed one token later: these words begin a statement or name an argument.
  const TokenKind kind = at.found().kind;
  const bool value_was_meant = kind == Tokens::ASSIGN || (at.expected().size() == 1 && at.expects(Tokens::COLON));
  if (is_word_of_language(at.before().kind) && value_was_meant) return explain(at.before());
  if (!is_word_of_language(at.found().kind) || !at.expects(Tokens::NAME)) return std::nullopt;
  // What begins an item or a statement is out of place, not a badly chosen name, unless it gets a value.
  const TokenKind next = at.after().kind;
  const bool used_as_name = next == Tokens::ASSIGN || next == Tokens::COMMA || next == Tokens::COLON || next == Tokens::ARROW || is_closer(next) ||
                            next == Tokens::LEFT_PARENTHESIS || next == Tokens::STATEMENT_END || next == Tokens::END;
  if (!used_as_name) return std::nullopt;
  return explain(at.found());
}

std::optional<Explanation> item_expected(const Situation& at) {
  if (!at.at_item()) return std::nullopt;
  Explanation result{fmt::format("{} begins no item", describe(at)),
                     "a file consists of `network`, `block`, `layer`, `train`, `test`, `const` and `import`"};
  if (at.after().kind == Tokens::ASSIGN) result.help = "a name for the whole file is given with `const name = value`";
  if (at.after().kind == Tokens::ARROW) result.help = "layers stand in the body of a network: `network name(image: [1, 28, 28]) { image -> … }`";
  static const std::vector<std::string> words{"network", "block", "layer", "train", "test", "const", "import", "language"};
  if (const std::optional<std::string> word = nearest(at.text(at.found()), words)) result.help = fmt::format("did you mean `{}`?", *word);
  return result;
}

std::optional<Explanation> setting_without_equals(const Situation& at) {
  if (!at.expects(Tokens::ASSIGN) || !at.expects(Tokens::STRING) || !at.expects(Tokens::NAME)) return std::nullopt;
  return Explanation{fmt::format("unexpected {}, expected `=`", describe(at)), fmt::format("a setting is written `{} = value`", at.text(at.before()))};
}

std::optional<Explanation> several_statements_on_a_line(const Situation& at) {
  if (!at.starts_value() || !at.after_value() || !at.expects(Tokens::STATEMENT_END)) return std::nullopt;
  return Explanation{fmt::format("unexpected {}", describe(at)), "is `->`, an operator, a line end or `;` missing before it?"};
}

std::optional<Explanation> missing_comma(const Situation& at) {
  if (!(at.starts_value() || is_opener(at.found().kind)) || !at.after_value() || !at.expects(Tokens::COMMA)) return std::nullopt;
  return Explanation{fmt::format("unexpected {}", describe(at)), "is a comma or an operator missing before it?"};
}

std::optional<Explanation> what_the_grammar_says(const Situation& at) {
  // Longer lists of what could have followed help nobody.
  constexpr size_t kMaximumChoices = 4;
  Explanation result{fmt::format("unexpected {}", describe(at)), {}};
  std::vector<std::string> choices;
  for (const TokenKind kind : at.expected()) choices.emplace_back(grammar::token_text(kind));
  if (!choices.empty() && choices.size() <= kMaximumChoices) {
    result.message += fmt::format(", expected {}", join_choices(choices));
  } else if (at.expects(Tokens::NAME) && at.expects(Tokens::NUMBER)) {
    result.message += ", expected a value";
  }
  return result;
}

constexpr Rule kRules[] = {
    word_of_another_language, module_of_a_framework, body_without_braces, body_after_colon, conditional_after_value, if_without_else,
    else_without_if, comma_between_lines,
    unnamed_result, piped_arithmetic, arithmetic_on_pipe, reserved_word, comparison_with_one_sign, item_expected,
    setting_without_equals, several_statements_on_a_line, missing_comma, what_the_grammar_says,
};

}  // namespace

void report_unexpected_token(const TokenStream& stream, const std::vector<TokenKind>& expected, Diagnostics& diagnostics) {
  const Situation at(stream, expected);
  // An INVALID token was reported when it was scanned.
  if (at.found().kind == Tokens::INVALID) return;
  for (const Rule rule : kRules) {
    const std::optional<Explanation> explanation = rule(at);
    if (!explanation) continue;
    // The end of a line or file is shown behind what stands before it.
    const bool is_end = at.found().kind == Tokens::END || at.found().kind == Tokens::STATEMENT_END;
    const SourceRange end{at.before().range.file, at.before().range.end, at.before().range.end};
    const SourceRange found = is_end && at.text(at.found()) != ";" ? end : at.found().range;
    const SourceRange range = explanation->range.valid() ? explanation->range : found;
    Diagnostic& error = diagnostics.error(DiagnosticKind::SyntaxError, range, explanation->message);
    if (!explanation->help.empty()) error.help(explanation->help);
    return;
  }
}

}  // namespace cnnc

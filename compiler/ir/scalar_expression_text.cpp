// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scalar expressions ↔ text. From loose to tight, as in the language: `or`, `and`, `not`, comparison, `+ -`, `* / %`,
// unary `-`, `^` (to the right). Printing a parsed text and parsing a printed expression both give back the same.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "ir/attributes.h"
#include "ir/scalar_expression_pool.h"
#include "support/limits.h"
#include "support/text.h"

namespace cnnc {
namespace {

enum Precedence : int { kOr = 1, kAnd, kNot, kComparison, kSum, kProduct, kUnary, kPower, kPrimary };

struct OperatorText {
  ScalarOp op;
  std::string_view text;
  int precedence;
};

constexpr std::array<OperatorText, 12> kOperators{{{ScalarOp::Or, "or", kOr},
                                                   {ScalarOp::And, "and", kAnd},
                                                   {ScalarOp::LessEqual, "<=", kComparison},
                                                   {ScalarOp::Equal, "==", kComparison},
                                                   {ScalarOp::NotEqual, "!=", kComparison},
                                                   {ScalarOp::Less, "<", kComparison},
                                                   {ScalarOp::Add, "+", kSum},
                                                   {ScalarOp::Subtract, "-", kSum},
                                                   {ScalarOp::Multiply, "*", kProduct},
                                                   {ScalarOp::Divide, "/", kProduct},
                                                   {ScalarOp::Modulo, "%", kProduct},
                                                   {ScalarOp::Power, "^", kPower}}};

constexpr std::array<std::pair<std::string_view, ScalarOp>, 15> kFunctions{{{"abs", ScalarOp::Abs},
                                                                            {"ceil", ScalarOp::Ceil},
                                                                            {"cos", ScalarOp::Cos},
                                                                            {"erf", ScalarOp::Erf},
                                                                            {"exp", ScalarOp::Exp},
                                                                            {"floor", ScalarOp::Floor},
                                                                            {"log", ScalarOp::Log},
                                                                            {"log1p", ScalarOp::Log1p},
                                                                            {"max", ScalarOp::Maximum},
                                                                            {"min", ScalarOp::Minimum},
                                                                            {"select", ScalarOp::Select},
                                                                            {"sigmoid", ScalarOp::Sigmoid},
                                                                            {"sin", ScalarOp::Sin},
                                                                            {"sqrt", ScalarOp::Sqrt},
                                                                            {"tanh", ScalarOp::Tanh}}};

const OperatorText* find_operator(ScalarOp op) {
  const auto* found = std::find_if(kOperators.begin(), kOperators.end(), [&](const OperatorText& o) { return o.op == op; });
  return found == kOperators.end() ? nullptr : found;
}

// ---- printing

struct NodeText {
  std::string text;
  int precedence = kPrimary;
};

std::string enclosed(const NodeText& part, int at_least) {
  return part.precedence >= at_least ? part.text : "(" + part.text + ")";
}

NodeText node_text(const ScalarExpression::Node& node, const std::vector<NodeText>& texts) {
  const auto operand = [&](int i) -> const NodeText& { return texts[static_cast<size_t>(node.operands[i])]; };
  if (node.op == ScalarOp::Argument) return {fmt::format("x{}", node.operands[0]), kPrimary};
  if (node.op == ScalarOp::Constant) {
    std::string text = number_text(node.value);
    return {text, text[0] == '-' ? kUnary : kPrimary};
  }
  if (node.op == ScalarOp::Negate) return {"-" + enclosed(operand(0), kUnary), kUnary};
  if (node.op == ScalarOp::Not) return {"not " + enclosed(operand(0), kNot), kNot};
  if (const OperatorText* op = find_operator(node.op)) {
    // Chains group to the left, `^` to the right; comparisons do not chain. An exponent may have a minus: 2 ^ -x0.
    const int left = op->precedence == kPower || op->precedence == kComparison ? op->precedence + 1 : op->precedence;
    const int right = op->precedence == kPower ? kUnary : op->precedence + 1;
    return {fmt::format("{} {} {}", enclosed(operand(0), left), op->text, enclosed(operand(1), right)), op->precedence};
  }
  std::string text = fmt::format("{}(", scalar_function_name(node.op));
  for (int i = 0; i < scalar_operand_count(node.op); ++i) text += (i > 0 ? ", " : "") + operand(i).text;
  return {text + ")", kPrimary};
}

/// Which nodes get a name of their own in the text: those used more than once, when writing them out would be long, and those
/// inside which the text is nested so deep that more could not be read back.
std::vector<bool> named_nodes(const ScalarExpression& expression) {
  constexpr int64_t kLongest = 64;
  constexpr int kDeepest = limits::kMaximumNesting / 4;      // an operation in brackets takes the reader three levels
  const size_t count = expression.nodes().size();
  std::vector<int64_t> uses(count), tree(count);
  for (size_t i = 0; i < count; ++i) {
    tree[i] = 1;
    const auto& node = expression.nodes()[i];
    if (node.op == ScalarOp::Argument) continue;
    for (const int32_t operand : node.operands) {
      if (operand < 0) continue;
      ++uses[static_cast<size_t>(operand)];
      tree[i] = std::min(kLongest + 1, tree[i] + tree[static_cast<size_t>(operand)]);
    }
  }
  std::vector<bool> named(count);
  if (tree.back() <= kLongest) return named;
  std::vector<int> depth(count);
  for (size_t i = 0; i + 1 < count; ++i) {
    const auto& node = expression.nodes()[i];
    if (scalar_operand_count(node.op) == 0) continue;
    for (const int32_t operand : node.operands) {
      if (operand >= 0) depth[i] = std::max(depth[i], depth[static_cast<size_t>(operand)] + 1);
    }
    named[i] = uses[i] > 1 || depth[i] >= kDeepest;
    if (named[i]) depth[i] = 0;
  }
  return named;
}

// ---- reading

/// A recursive descent over the text. The first error stops it: every rule returns an invalid value from then on.
class Reader {
 public:
  Reader(std::string_view text, std::span<const std::string> names, std::string& error)
      : text_(text), names_(names), error_(error) {}

  std::optional<ScalarExpression> read() {
    Value value = binding_or_value();
    while (ok() && take(";")) value = binding_or_value();
    if (ok() && bound_last_) fail("expected an expression after the last `;`");
    skip_blanks();
    if (ok() && place_ < text_.size()) fail_at_token("expected an operator or the end");
    if (ok() && value.truth) fail("a comparison is no number; use it in `select(condition, a, b)`");
    if (!ok()) return std::nullopt;
    return pool_.take(value.id);
  }

 private:
  struct Value {
    int32_t id = -1;
    bool truth = false;
  };

  bool ok() const { return error_.empty(); }
  Value fail(std::string message) {
    if (ok()) error_ = std::move(message);
    return {};
  }
  Value fail_at_token(std::string_view expected) {
    skip_blanks();
    if (place_ >= text_.size()) return fail(fmt::format("{} at the end of `{}`", expected, abbreviate(text_)));
    return fail(fmt::format("{}, but found `{}` at character {}", expected, peek_token(), place_ + 1));
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  void skip_blanks() {
    while (place_ < text_.size() && (text_[place_] == ' ' || text_[place_] == '\t' || text_[place_] == '\n')) ++place_;
  }
  /// The word at the place; empty if none begins here.
  std::string_view peek_word() {
    skip_blanks();
    size_t end = place_;
    if (end < text_.size() && is_letter(text_[end])) {
      while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '.')) ++end;
    }
    return text_.substr(place_, end - place_);
  }
  std::string peek_token() {
    const std::string_view word = peek_word();
    if (!word.empty()) return abbreviate(word);
    return std::string(text_.substr(place_, decode_utf8(text_.substr(place_)).bytes));
  }
  bool take(std::string_view symbol) {
    skip_blanks();
    if (text_.substr(place_, symbol.size()) != symbol) return false;
    place_ += symbol.size();
    return true;
  }
  bool take_word(std::string_view word) {
    if (peek_word() != word) return false;
    place_ += word.size();
    return true;
  }

  /// `name = value` or a value.
  Value binding_or_value() {
    const std::string name(peek_word());
    const size_t start = place_;
    bound_last_ = false;
    if (!name.empty()) {
      place_ += name.size();
      if (take("=") && !take("=")) {
        const Value value = expression(kOr);
        if (ok() && !bindings_.try_emplace(name, value).second) fail(fmt::format("`{}` is bound twice", name));
        bound_last_ = true;
        return value;
      }
      place_ = start;
    }
    return expression(kOr);
  }

  /// Operators that bind at least as tightly as `loosest`, `^` excepted, which `unary` reads.
  Value expression(int loosest) {
    if (++depth_ > limits::kMaximumNesting) {
      return fail(fmt::format("the expression is nested more than {} deep", limits::kMaximumNesting));
    }
    Value left = loosest <= kNot && take_word("not") ? apply(ScalarOp::Not, {expression(kNot)}) : unary();
    while (ok()) {
      const size_t start = place_;
      bool swapped = false;
      const OperatorText* op = binary_operator(swapped);
      if (op == nullptr || op->precedence < loosest || op->precedence == kPower) {
        place_ = start;
        break;
      }
      const Value right = expression(op->precedence + 1);
      left = swapped ? apply(op->op, {right, left}) : apply(op->op, {left, right});
      // A comparison of a comparison has no meaning; the operand check of `apply` reports it.
    }
    --depth_;
    return left;
  }

  const OperatorText* binary_operator(bool& swapped) {
    swapped = true;
    if (take(">=")) return find_operator(ScalarOp::LessEqual);
    if (take(">")) return find_operator(ScalarOp::Less);
    swapped = false;
    for (const OperatorText& op : kOperators) {
      if (is_letter(op.text[0]) ? take_word(op.text) : take(op.text)) return &op;
    }
    return nullptr;
  }

  Value unary() {
    if (++depth_ > limits::kMaximumNesting) {
      return fail(fmt::format("the expression is nested more than {} deep", limits::kMaximumNesting));
    }
    Value value;
    if (take("-")) {
      value = apply(ScalarOp::Negate, {unary()});
    } else {
      value = primary();
      if (ok() && take("^")) value = apply(ScalarOp::Power, {value, unary()});
    }
    --depth_;
    return value;
  }

  Value primary() {
    if (!ok()) return {};
    if (take("(")) {
      const Value value = expression(kOr);
      if (ok() && !take(")")) return fail_at_token("expected `)`");
      return value;
    }
    const std::string word(peek_word());
    if (!word.empty()) return named(word);
    if (place_ < text_.size() && (is_digit(text_[place_]) || text_[place_] == '.')) return number();
    return fail_at_token("expected a number, a name or `(`");
  }

  Value number() {
    double value = 0;
    const auto result = std::from_chars(text_.data() + place_, text_.data() + text_.size(), value);
    if (result.ec == std::errc::result_out_of_range) return fail_at_token("the number does not fit into double precision");
    if (result.ec != std::errc()) return fail_at_token("expected a number");
    place_ = static_cast<size_t>(result.ptr - text_.data());
    return {pool_.constant(value), false};
  }

  Value named(const std::string& word) {
    const size_t start = place_;
    place_ += word.size();
    if (const auto function = find_scalar_function(word); function && take("(")) return call(word, *function);
    if (const auto bound = bindings_.find(word); bound != bindings_.end()) return bound->second;
    if (word == "nan" || word == "inf") {
      return {pool_.constant(word == "inf" ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN()),
              false};
    }
    if (const auto index = argument_index(word)) return {pool_.argument(*index), false};
    place_ = start;
    return fail_at_token(names_.empty() ? "expected `x0`, `x1`, … or a function" : "expected a known name or a function");
  }

  std::optional<int> argument_index(std::string_view word) const {
    if (!names_.empty()) {
      const auto found = std::find(names_.begin(), names_.end(), word);
      if (found == names_.end()) return std::nullopt;
      return static_cast<int>(found - names_.begin());
    }
    int index = 0;
    if (word.size() < 2 || word[0] != 'x' || (word[1] == '0' && word.size() > 2)) return std::nullopt;
    const auto result = std::from_chars(word.data() + 1, word.data() + word.size(), index);
    if (result.ec != std::errc() || result.ptr != word.data() + word.size()) return std::nullopt;
    if (!is_digit(word[1]) || index >= kMaximumExpressionArguments) return std::nullopt;
    return index;
  }

  Value call(std::string_view name, ScalarOp op) {
    std::vector<Value> operands;
    if (!take(")")) {
      do {
        operands.push_back(expression(kOr));
      } while (ok() && take(","));
      if (ok() && !take(")")) return fail_at_token("expected `,` or `)`");
    }
    if (!ok()) return {};
    const auto wanted = static_cast<size_t>(scalar_operand_count(op));
    if (operands.size() != wanted) {
      return fail(fmt::format("`{}` takes {}, but got {}", name, count_of(wanted, "argument"), operands.size()));
    }
    return apply(op, operands);
  }

  Value apply(ScalarOp op, const std::vector<Value>& operands) {
    if (!ok()) return {};
    const bool logic = op == ScalarOp::And || op == ScalarOp::Or || op == ScalarOp::Not;
    int32_t ids[3] = {-1, -1, -1};
    for (size_t i = 0; i < operands.size(); ++i) {
      const bool wants_truth = logic || (op == ScalarOp::Select && i == 0);
      if (operands[i].truth != wants_truth) {
        return fail(wants_truth ? "expected a comparison, but found a number" : "expected a number, but found a comparison");
      }
      ids[i] = operands[i].id;
    }
    if (pool_.size() > static_cast<size_t>(kMaximumExpressionNodes)) {
      return fail(fmt::format("the expression has more than {} parts", kMaximumExpressionNodes));
    }
    return {pool_.apply(op, ids[0], ids[1], ids[2]), gives_truth_value(op)};
  }

  std::string_view text_;
  std::span<const std::string> names_;
  std::string& error_;
  size_t place_ = 0;
  int depth_ = 0;
  bool bound_last_ = false;
  ScalarExpressionPool pool_;
  std::map<std::string, Value, std::less<>> bindings_;
};

}  // namespace

std::optional<ScalarOp> find_scalar_function(std::string_view name) {
  for (const auto& [text, op] : kFunctions) {
    if (text == name) return op;
  }
  return std::nullopt;
}

std::string_view scalar_function_name(ScalarOp op) {
  for (const auto& [text, function] : kFunctions) {
    if (function == op) return text;
  }
  return {};
}

std::string to_string(const ScalarExpression& expression) {
  const std::vector<bool> named = named_nodes(expression);
  std::vector<NodeText> texts;
  std::string bindings;
  int names = 0;
  for (size_t i = 0; i < named.size(); ++i) {
    texts.push_back(node_text(expression.nodes()[i], texts));
    if (!named[i]) continue;
    const std::string name = fmt::format("t{}", names++);
    bindings += fmt::format("{} = {}; ", name, texts[i].text);
    texts[i] = {name, kPrimary};
  }
  return bindings + texts.back().text;
}

std::optional<ScalarExpression> parse_scalar_expression(std::string_view text, std::span<const std::string> names,
                                                        std::string& error) {
  error.clear();
  return Reader(text, names, error).read();
}

}  // namespace cnnc

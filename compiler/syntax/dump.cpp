// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// AST → its tree as text, one node a line, children indented (`--emit=ast`). Comments and brackets are no nodes.
#include <fmt/format.h>

#include "support/text.h"
#include "syntax/printer.h"
#include "syntax/spelling.h"

namespace cnnc {
namespace {

class Dumper {
 public:
  std::string run(const ast::File& file) {
    line("file");
    nested([&] {
      for (const ast::Item& item : file.items) std::visit([&](const auto& kind) { dump(kind); }, item.kind);
    });
    return std::move(text_);
  }

 private:
  void line(std::string_view text) { text_ += fmt::format("{:{}}{}\n", "", 2 * level_, text); }
  template <typename Function>
  void nested(Function function) {
    ++level_;
    function();
    --level_;
  }
  void labelled(std::string_view label, const ast::ExprPtr& expression) {
    line(label);
    nested([&] { dump(*expression); });
  }

  // Items.
  void dump(const ast::Definition& item) {
    line(fmt::format("{} {}", spell_definition(item.kind), item.name.text));
    nested([&] {
      for (const ast::Parameter& p : item.parameters) {
        line("parameter " + p.name.text);
        nested([&] {
          if (p.shape) dump(*p.shape);
          if (p.default_value) dump(*p.default_value);
        });
      }
      dump(item.body);
    });
  }
  void dump(const ast::Train& item) {
    line(fmt::format("train {}{}", item.network.text, item.recipe ? " as " + item.recipe->text : ""));
    nested([&] { dump(item.settings); });
  }
  void dump(const ast::Test& item) {
    line("test " + shown(item.title));
    nested([&] {
      for (const ast::Check& check : item.checks) {
        line(check.name ? "let " + check.name->text : check.right ? "compare" : "check");
        nested([&] {
          dump(*check.left);
          if (check.right) dump(*check.right);
        });
      }
    });
  }
  void dump(const ast::Constant& item) { labelled("const " + item.name.text, item.value); }
  void dump(const ast::Import& item) { line("import " + (item.is_path ? shown(item.target.text) : item.target.text)); }
  void dump(const ast::Language& item) { line(fmt::format("language {}", item.version)); }
  void dump(const std::vector<ast::Setting>& settings) {
    for (const ast::Setting& setting : settings) {
      if (const auto* assignment = std::get_if<ast::Assignment>(&setting.kind)) {
        labelled("setting " + assignment->name.text, assignment->value);
        continue;
      }
      const auto& section = std::get<ast::Section>(setting.kind);
      line(fmt::format("section {} {}", section.keyword.text, section.argument_is_string ? shown(section.argument.text) : section.argument.text));
      nested([&] { dump(section.settings); });
    }
  }

  // Bodies.
  void dump(const ast::Body& body) {
    line("body");
    nested([&] {
      for (const ast::Statement& statement : body.statements) std::visit([&](const auto& kind) { dump(kind); }, statement.kind);
    });
  }
  void dump(const ast::Shape& shape) {
    line("shape");
    nested([&] {
      for (const ast::Dimension& d : shape.dimensions) {
        if (d.name) {
          labelled("named " + d.name->text, d.value);
        } else {
          dump(*d.value);
        }
      }
    });
  }
  void dump(const ast::Bind& s) { labelled("bind " + s.name.text, s.value); }
  void dump(const ast::Equation& s) {
    line("equation");
    nested([&] {
      dump(*s.target);
      dump(*s.value);
    });
  }
  void dump(const ast::WeightDeclaration& s) {
    line(fmt::format("{} {}", s.is_state ? "state" : "weight", s.name.text));
    nested([&] {
      dump(s.shape);
      dump(*s.initial);
    });
  }
  void dump(const ast::Update& s) {
    line("update");
    nested([&] {
      dump(*s.target);
      dump(*s.value);
    });
  }
  void dump(const ast::Return& s) {
    line("return");
    nested([&] {
      for (const ast::Result& result : s.results) labelled("result " + result.name.text, result.value);
    });
  }
  void dump(const ast::ExpressionStatement& s) { labelled("value", s.value); }

  // Expressions.
  void dump(const ast::Expr& expression) {
    std::visit([&](const auto& kind) { dump(kind); }, expression.kind);
  }
  void dump(const ast::Error&) { line("error"); }
  void dump(const ast::Number& e) { line("number " + e.text); }
  void dump(const ast::Quantity& e) { line(fmt::format("quantity {} {}", e.number_text, spell_unit(e.unit, e.value))); }
  void dump(const ast::String& e) { line("string " + shown(e.value)); }
  void dump(const ast::Boolean& e) { line(e.value ? "true" : "false"); }
  void dump(const ast::Reference& e) { line("name " + e.name); }
  void dump(const ast::List& e) {
    line("list");
    nested([&] { dump(e.items); });
  }
  void dump(const std::vector<ast::ExprPtr>& expressions) {
    for (const ast::ExprPtr& e : expressions) dump(*e);
  }
  void dump(const std::vector<ast::Argument>& arguments) {
    for (const ast::Argument& argument : arguments) {
      if (argument.name) {
        labelled("argument " + argument.name->text, argument.value);
      } else {
        dump(*argument.value);
      }
    }
  }
  void dump(const ast::Call& e) {
    line("call");
    nested([&] {
      dump(*e.callee);
      dump(e.arguments);
    });
  }
  void dump(const ast::Index& e) {
    line("index");
    nested([&] {
      dump(*e.base);
      dump(e.indices);
      if (e.outside) labelled("else", e.outside);
    });
  }
  void dump(const ast::Member& e) { labelled("member " + e.name.text, e.base); }
  void dump(const ast::Unary& e) { labelled(e.op == ast::UnaryOperator::Negate ? "negate" : "not", e.operand); }
  void dump(const ast::Binary& e) {
    line(spell_operator(e.op));
    nested([&] {
      dump(*e.left);
      dump(*e.right);
    });
  }
  void dump(const ast::Comparison& e) {
    std::string relations = "compare";
    for (const ast::Relation relation : e.relations) relations += fmt::format(" {}", spell_relation(relation));
    line(relations);
    nested([&] { dump(e.operands); });
  }
  void dump(const ast::If& e) {
    line("if");
    nested([&] {
      dump(*e.condition);
      dump(*e.then_body);
      dump(*e.else_body);
    });
  }
  void dump(const ast::Pipe& e) {
    line("pipe");
    nested([&] {
      dump(*e.input);
      for (const ast::Stage& stage : e.stages) dump(stage);
    });
  }
  void dump(const ast::Stage& stage) {
    line(fmt::format("stage {}{}", stage.callee.text, stage.share ? " shared as " + stage.share->text : ""));
    nested([&] {
      for (const ast::Loop& loop : stage.repeats) {
        std::string names = "repeat";
        for (const ast::Name& name : loop.names) names += " " + name.text;
        labelled(names, loop.value);
      }
      dump(stage.arguments);
    });
  }

  static std::string shown(std::string_view string) { return escape_control(spell_string(string)); }

  std::string text_;
  int level_ = 0;
};

}  // namespace

std::string dump_file(const ast::File& file) { return Dumper().run(file); }

}  // namespace cnnc

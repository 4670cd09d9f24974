// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text of a module → module: declarations, recipes, functions. Knows no op: attributes and types are checked against OpDef.
#include "ir/parse.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "ir/op.h"
#include "ir/text_reader.h"
#include "support/text.h"

namespace cnnc {
namespace {

/// A weight or state that a function takes: a parameter that the module must have.
struct ParameterUse {
  std::string name;
  Role role{};
  TensorType type;
  SourceRange range;
};

/// The role that a value's name ends with: `x#label` → `label`; empty without one.
std::optional<std::string> role_suffix(const std::string& written) {
  const size_t hash = written.find('#', written.starts_with('"') ? written.rfind('"') : 0);
  if (hash == std::string::npos) return std::nullopt;
  return written.substr(hash + 1);
}

/// Reads the body of one function.
class FunctionReader {
 public:
  FunctionReader(TextReader& reader, std::vector<ParameterUse>& uses) : in_(reader), uses_(uses) {}

  Function read() {
    function_.name = in_.name("the function's name");
    in_.expect("{");
    while (in_.ok() && in_.take_word("argument")) argument();
    while (in_.ok() && in_.peek("%")) node();
    while (in_.ok() && in_.take_word("result")) result();
    if (in_.ok() && !in_.take("}")) {
      in_.fail_expected(function_.results.empty() ? "a node, `result` or `}`" : "`result` or `}`");
    }
    return std::move(function_);
  }

 private:
  Role role() {
    const SourceRange range = in_.next_range();
    const std::string word = in_.word("a role, such as `input`");
    const auto found = find_role(word);
    if (found) return *found;
    std::vector<std::string> names;
    for (int i = 0; i <= static_cast<int>(Role::Metric); ++i) names.emplace_back(role_name(static_cast<Role>(i)));
    in_.fail(DiagnosticKind::IrSyntax, range, fmt::format("there is no role `{}`", abbreviate(word)))
        .help("the roles are " + join_choices(names, "and"));
    return Role::Input;
  }

  void define(const std::string& name, ValueId value, SourceRange range) {
    if (!in_.ok()) return;
    if (!values_.try_emplace(name, value).second) {
      in_.fail(DiagnosticKind::IrSyntax, range, fmt::format("`%{}` is defined twice", abbreviate(name)));
    }
  }

  void argument() {
    Port port;
    port.role = role();
    const uint32_t begin = in_.place();
    const std::string written = in_.value_name(port.name);
    const SourceRange range = in_.range_from(begin);
    if (const auto suffix = role_suffix(written); in_.ok() && suffix && *suffix != role_name(port.role))
      in_.fail(DiagnosticKind::IrSyntax, range, fmt::format("`%{}` says another role than `{}`", abbreviate(written), role_name(port.role)));
    in_.expect(":");
    TensorType type = in_.type();
    if (!in_.ok()) return;
    if (find_port(function_.arguments, port.name, port.role) != nullptr) {
      in_.fail(DiagnosticKind::IrSyntax, range, fmt::format("`{}` is an argument twice", abbreviate(port.name)));
      return;
    }
    // Flat buffers of an update are weights too, but batched and no parameters.
    if ((port.role == Role::Weight || port.role == Role::State) && !type.batched) uses_.push_back({port.name, port.role, type, range});
    port.value = function_.graph.add_argument(std::move(type));
    define(written, port.value, range);
    function_.arguments.push_back(std::move(port));
  }

  /// `none` or a value that was defined before.
  ValueId value(bool may_be_absent) {
    if (may_be_absent && in_.take_word("none")) return {};
    const uint32_t begin = in_.place();
    std::string name;
    const std::string written = in_.value_name(name);
    if (!in_.ok()) return {};
    if (const auto found = values_.find(written); found != values_.end()) return found->second;
    std::vector<std::string> known;
    for (const auto& [text, id] : values_) known.push_back(text);
    Diagnostic& diagnostic = in_.fail(DiagnosticKind::UnknownName, in_.range_from(begin),
                                      fmt::format("no earlier argument or node defines `%{}`", abbreviate(written)));
    if (const auto near = nearest(written, known)) diagnostic.help(fmt::format("did you mean `%{}`?", *near));
    return {};
  }

  void node() {
    const uint32_t begin = in_.place();
    std::vector<std::pair<std::string, SourceRange>> results;
    do {
      const uint32_t at = in_.place();
      std::string name;
      const std::string written = in_.value_name(name);
      results.emplace_back(written, in_.range_from(at));
      if (in_.ok() && role_suffix(written))
        in_.fail(DiagnosticKind::IrSyntax, results.back().second, fmt::format("`%{}`: only arguments have roles", abbreviate(written)));
    } while (in_.ok() && in_.take(","));
    in_.expect("=");
    const OpDef* op = find_operation();
    std::vector<ValueId> operands;
    if (op != nullptr) operands = read_operands(*op);
    AttributeMap attributes;
    if (in_.ok()) attributes = read_attributes(*op);
    in_.expect(":");
    const uint32_t types_begin = in_.place();
    const std::vector<TensorType> written = types();
    const SourceRange types_range = in_.range_from(types_begin);
    std::string layer;
    if (in_.take("@")) layer = in_.quoted_text("the layer's name in quotes");
    if (!in_.ok() || !types_agree(*op, operands, attributes, written, in_.range_from(begin), types_range)) return;
    if (results.size() != written.size()) {
      in_.fail(DiagnosticKind::IrSyntax, in_.range_from(begin),
               fmt::format("`{}` has {}, but {} named", op->name, count_of(written.size(), "result"),
                           results.size() == 1 ? "1 is" : fmt::format("{} are", results.size())));
      return;
    }
    const auto ids = function_.graph.add(*op, std::move(operands), std::move(attributes), std::move(layer), in_.range_from(begin));
    for (size_t i = 0; i < ids.size(); ++i) define(results[i].first, ids[i], results[i].second);
  }

  const OpDef* find_operation() {
    const SourceRange range = in_.next_range();
    const std::string name = in_.word("the name of an op");
    if (!in_.ok()) return nullptr;
    const OpDef* op = find_op(name);
    if (op != nullptr) return op;
    std::vector<std::string> known;
    for (const OpDef& def : all_ops()) known.push_back(def.name);
    Diagnostic& diagnostic = in_.fail(DiagnosticKind::UnknownName, range, fmt::format("there is no op `{}`", abbreviate(name)));
    if (const auto near = nearest(name, known)) diagnostic.help(fmt::format("did you mean `{}`?", *near));
    return nullptr;
  }

  std::vector<ValueId> read_operands(const OpDef& op) {
    std::vector<ValueId> operands;
    const uint32_t begin = in_.place();
    in_.expect("(");
    if (in_.ok() && !in_.take(")")) {
      do {
        operands.push_back(value(operands.size() < op.operands.size() && op.operands[operands.size()].optional));
      } while (in_.ok() && in_.take(","));
      if (in_.ok() && !in_.take(")")) in_.fail_expected("`,` or `)`");
    }
    if (!in_.ok()) return {};
    size_t least = 0;
    for (size_t i = 0; i < op.operands.size(); ++i) {
      if (!op.operands[i].optional && !op.operands[i].variadic) least = i + 1;
    }
    const bool variadic = !op.operands.empty() && op.operands.back().variadic;
    if (operands.size() < least || (!variadic && operands.size() > op.operands.size())) {
      const std::string wanted = variadic                       ? fmt::format("at least {}", count_of(least, "operand"))
                                 : least == op.operands.size() ? count_of(least, "operand")
                                                                : fmt::format("{} to {} operands", least, op.operands.size());
      in_.fail(DiagnosticKind::IrSyntax, in_.range_from(begin), fmt::format("`{}` takes {}, but got {}", op.name, wanted, operands.size()));
    }
    if (!variadic) operands.resize(std::max(operands.size(), op.operands.size()));
    return operands;
  }

  AttributeMap read_attributes(const OpDef& op) {
    AttributeMap attributes;
    for (const AttributeDef& def : op.attributes) attributes.emplace(def.name, def.default_value);
    if (!in_.take("{") || in_.take("}")) return attributes;
    std::set<std::string> seen;
    do {
      const uint32_t begin = in_.place();
      const std::string name = in_.word("the name of an attribute");
      const SourceRange range = in_.range_from(begin);
      in_.expect("=");
      if (!in_.ok()) return attributes;
      const auto known = attributes.find(name);
      if (known == attributes.end()) {
        std::vector<std::string> names;
        for (const AttributeDef& def : op.attributes) names.push_back(def.name);
        Diagnostic& diagnostic = in_.fail(DiagnosticKind::UnknownName, range, fmt::format("`{}` has no attribute `{}`", op.name, abbreviate(name)));
        if (!names.empty()) diagnostic.help("its attributes are `" + join_choices(names, "and") + "`");
        return attributes;
      }
      if (!seen.insert(name).second) in_.fail(DiagnosticKind::IrSyntax, range, fmt::format("`{}` is given twice", name));
      const uint32_t value_begin = in_.place();
      Attribute value = in_.attribute(known->second);
      if (in_.ok() && value.index() != known->second.index()) {
        in_.fail(DiagnosticKind::IrSyntax, in_.range_from(value_begin),
                 fmt::format("attribute `{}` of `{}` is {}", name, op.name, attribute_kind(known->second)));
      }
      known->second = std::move(value);
    } while (in_.ok() && in_.take(","));
    if (in_.ok() && !in_.take("}")) in_.fail_expected("`,` or `}`");
    return attributes;
  }

  std::vector<TensorType> types() {
    if (!in_.take("(")) return {in_.type()};
    std::vector<TensorType> result;
    if (in_.take(")")) return result;
    do {
      result.push_back(in_.type());
    } while (in_.ok() && in_.take(","));
    if (in_.ok() && !in_.take(")")) in_.fail_expected("`,` or `)`");
    return result;
  }

  bool types_agree(const OpDef& op, const std::vector<ValueId>& operands, const AttributeMap& attributes,
                   const std::vector<TensorType>& written, SourceRange range, SourceRange types_range) {
    std::vector<TensorType> operand_types;
    for (const ValueId id : operands) operand_types.push_back(id.valid() ? function_.graph.type(id) : absent_type());
    const InferResult inferred = op.infer(attributes, operand_types);
    if (const std::string* refusal = std::get_if<std::string>(&inferred)) {
      in_.fail(DiagnosticKind::ShapeMismatch, range, fmt::format("`{}`: {}", op.name, *refusal));
      return false;
    }
    const auto& types = std::get<std::vector<TensorType>>(inferred);
    std::string shown;
    for (const TensorType& type : types) {
      shown += (shown.empty() ? "" : ", ") + to_string(type);
      if (const std::string problem = dims_problem(type.dims); !problem.empty()) {
        in_.fail(DiagnosticKind::ShapeMismatch, range, fmt::format("the result of `{}` is {}: {}", op.name, to_string(type), problem));
        return false;
      }
    }
    if (types == written) return true;
    if (types.size() != 1) shown = "(" + shown + ")";
    in_.fail(DiagnosticKind::ShapeMismatch, types_range, fmt::format("`{}` gives `{}` here", op.name, shown));
    return false;
  }

  void result() {
    Port port;
    port.role = role();
    const uint32_t begin = in_.place();
    port.name = in_.name("the result's name");
    const SourceRange range = in_.range_from(begin);
    in_.expect("=");
    port.value = value(false);
    if (!in_.ok()) return;
    if (find_port(function_.results, port.name, port.role) != nullptr) {
      in_.fail(DiagnosticKind::IrSyntax, range, fmt::format("`{}` is a result twice", abbreviate(port.name)));
      return;
    }
    if (belongs_to_argument(port, range)) function_.results.push_back(std::move(port));
  }

  /// A state's next value and a gradient have the type of the state and the weight of that name.
  bool belongs_to_argument(const Port& port, SourceRange range) {
    if (port.role != Role::State && port.role != Role::Gradient) return true;
    const Role owner = port.role == Role::State ? Role::State : Role::Weight;
    const Port* argument = find_port(function_.arguments, port.name, owner);
    if (argument == nullptr) {
      in_.fail(DiagnosticKind::UnknownName, range,
               fmt::format("there is no argument `{}` of role `{}`, which this {} belongs to", abbreviate(port.name), role_name(owner),
                           role_name(port.role)));
      return false;
    }
    const TensorType& wanted = function_.graph.type(argument->value);
    const TensorType& found = function_.graph.type(port.value);
    if (wanted == found) return true;
    in_.fail(DiagnosticKind::ShapeMismatch, range,
             fmt::format("the {} of `{}` is `{}`, but the argument is `{}`", role_name(port.role), abbreviate(port.name),
                         to_string(found), to_string(wanted)));
    return false;
  }

  TextReader& in_;
  std::vector<ParameterUse>& uses_;
  Function function_;
  std::map<std::string, ValueId> values_;
};

/// Reads declarations, recipes and functions, in any order.
class ModuleReader {
 public:
  ModuleReader(const SourceManager& sources, int32_t file, Diagnostics& diagnostics)
      : in_(sources, file, diagnostics), diagnostics_(diagnostics) {}

  Module read() {
    bool whole = true;
    while (!in_.at_end()) {
      const uint32_t begin = in_.place();
      item();
      whole = whole && in_.ok();
      if (!in_.ok()) in_.resume(begin);
    }
    // A declaration that could not be read is missing for a reason that was reported.
    if (whole) check_uses();
    return std::move(module_);
  }

 private:
  void item() {
    if (in_.take_word("module")) {
      module_.network = in_.name("the module's name");
    } else if (in_.take_word("weight")) {
      parameter(Role::Weight);
    } else if (in_.take_word("state")) {
      parameter(Role::State);
    } else if (in_.take_word("input")) {
      column(Role::Input);
    } else if (in_.take_word("label")) {
      column(Role::Label);
    } else if (in_.take_word("recipe")) {
      recipe();
    } else if (in_.take_word("function")) {
      const SourceRange range = in_.next_range();
      Function function = FunctionReader(in_, uses_).read();
      if (!in_.ok()) return;
      if (unused("function", function.name, range)) module_.functions.push_back(std::move(function));
    } else {
      in_.fail_expected("`module`, `weight`, `state`, `input`, `label`, `recipe` or `function`");
    }
  }

  /// Declarations may follow the functions, so what functions take is compared at the end.
  void check_uses() {
    std::map<std::string_view, const Parameter*> known;
    std::vector<std::string> names;
    for (const Parameter& parameter : module_.parameters) {
      known.emplace(parameter.name, &parameter);
      names.push_back(parameter.name);
    }
    for (const ParameterUse& use : uses_) {
      const auto found = known.find(use.name);
      if (found == known.end()) {
        Diagnostic& diagnostic = diagnostics_.error(DiagnosticKind::UnknownName, use.range,
                                                    fmt::format("the module has no parameter `{}`", abbreviate(use.name)));
        if (const auto near = nearest(use.name, names)) diagnostic.help(fmt::format("did you mean `{}`?", *near));
        continue;
      }
      const Parameter& parameter = *found->second;
      if (parameter.role == use.role && parameter.type == use.type) continue;
      diagnostics_
          .error(DiagnosticKind::ShapeMismatch, use.range,
                 fmt::format("`{}` is a {} `{}` here", abbreviate(use.name), role_name(use.role), to_string(use.type)))
          .note(fmt::format("the module's parameter is a {} `{}`", role_name(parameter.role), to_string(parameter.type)), parameter.location);
    }
  }

  /// Whether this is the first `kind` of that name; otherwise reports it.
  bool unused(const std::string& kind, const std::string& name, SourceRange range) {
    if (!in_.ok()) return false;
    if (names_.emplace(kind, name).second) return true;
    in_.fail(DiagnosticKind::IrSyntax, range, fmt::format("there are two {}s `{}`", kind, abbreviate(name)));
    return false;
  }

  void parameter(Role role) {
    Parameter result;
    result.role = role;
    const uint32_t begin = in_.place();
    result.name = in_.name("the parameter's name");
    result.location = in_.range_from(begin);
    in_.expect(":");
    result.type = in_.type();
    if (in_.ok() && result.type.batched) {
      in_.fail(DiagnosticKind::IrSyntax, result.location, "a parameter is the same for all images: its type has no `N`");
    }
    in_.expect("=");
    Initialiser& init = result.initialiser;
    init.name = in_.name("the initialiser's name");
    in_.expect("{");
    // The order is that of the printer: by name.
    const auto field = [&](std::string_view name) {
      in_.expect(name);
      in_.expect("=");
    };
    field("fan_in");
    init.fan_in = in_.integer("an integer");
    in_.expect(",");
    field("fan_out");
    init.fan_out = in_.integer("an integer");
    in_.expect(",");
    field("group");
    result.group = in_.quoted_text("a text in quotes");
    in_.expect(",");
    field("second");
    init.second = in_.number("a number");
    in_.expect(",");
    field("value");
    init.value = in_.number("a number");
    in_.expect("}");
    if (unused("parameter", result.name, result.location)) module_.parameters.push_back(std::move(result));
  }

  void column(Role role) {
    Column result;
    result.role = role;
    const SourceRange range = in_.next_range();
    result.name = in_.name("the column's name");
    in_.expect(":");
    result.type = in_.type();
    if (unused(std::string(role_name(role)), result.name, range)) module_.inputs.push_back(std::move(result));
  }

  void recipe() {
    Recipe result;
    const SourceRange range = in_.next_range();
    result.name = in_.name("the recipe's name");
    in_.expect("{");
    while (in_.ok() && !in_.take("}")) {
      const uint32_t begin = in_.place();
      if (in_.take_word("class")) {
        result.classes.push_back(in_.quoted_text("the class's name in quotes"));
      } else if (in_.take_word("set")) {
        SettingText setting;
        setting.name = in_.name("the setting's name");
        in_.expect("=");
        setting.text = in_.quoted_text("the setting's text in quotes");
        setting.location = in_.range_from(begin);
        result.settings.push_back(std::move(setting));
      } else {
        in_.fail_expected("`class`, `set` or `}`");
      }
    }
    if (unused("recipe", result.name, range)) module_.recipes.push_back(std::move(result));
  }

  TextReader in_;
  Diagnostics& diagnostics_;
  Module module_;
  std::vector<ParameterUse> uses_;
  std::set<std::pair<std::string, std::string>> names_;
};

}  // namespace

Module parse_module(const SourceManager& sources, int32_t file, Diagnostics& diagnostics) {
  return ModuleReader(sources, file, diagnostics).read();
}

}  // namespace cnnc

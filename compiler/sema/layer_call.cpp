// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the builder of a layer asks for: nodes, weights by name, diagnostics at the call.
#include "sema/layer_call.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/op.h"
#include "support/check.h"
#include "support/limits.h"

namespace cnnc::sema {

Value Evaluator::call_layer(const LayerDef& layer, const Call& call) {
  if (!charge(20, call.range)) return {};
  if (!layer.build) return wrong_type(call.range, fmt::format("`{}` stands only in the setting `metrics`", layer.name));
  const bool has_scope = layer.kind == LayerKind::Layer;
  bool reused = reusing_;
  std::string scope = has_scope ? enter_scope(std::string(layer.name), Callable{.layer = &layer}, call, reused).name() : std::string();
  const Restore reuse(reusing_, bool{reused});
  LayerCall context(*this, layer, call, scope);
  if (!context.assign()) return {};
  if (layer.kind == LayerKind::Function && !layer.formula.empty() && context.only_numbers()) return context.compute();
  if (!context.convert()) return {};
  const std::string own_name = has_scope ? scope : layer.kind == LayerKind::Function ? std::string() : std::string(layer.name);
  construction_.layer = outer_layer_.empty() ? own_name : outer_layer_;
  construction_.location = call.range;
  if (!charge(static_cast<int64_t>(construction_.layer.size()) / 16, call.range)) return {};   // each node carries the name
  return context.build();
}

Value LayerCall::build() {
  warn_double_softmax();
  warn_positional_stride();
  const std::vector<ValueId> values = layer_->build(*this);
  if (failed_ || values.empty()) return {};
  Construction& construction = evaluator_->construction();
  const ValueId* input = nullptr;
  for (const ArgumentDef& def : layer_->arguments)
    if (!input) input = std::get_if<ValueId>(&values_[def.name]);
  for (const ValueId value : values) {
    construction.set_maker(value, layer_);
    if (input && value == *input) continue;
    const bool keeps_shape = input && !has_matrix_weight_ && construction.graph.type(value).dims == construction.graph.type(*input).dims;
    construction.set_origin(value, keeps_shape ? construction.origin(*input) : call_->range);
  }
  return results(values);
}

Value LayerCall::results(const std::vector<ValueId>& values) {
  if (layer_->results.empty()) {
    const bool is_list = values.size() > 1 || layer_->name == "split";
    if (!is_list) return {values[0]};
    std::vector<Value> items;
    for (const ValueId value : values) items.push_back({value});
    return make_list(std::move(items));
  }
  std::vector<std::pair<std::string, Value>> fields;
  std::string_view names = layer_->results;
  for (const ValueId value : values) {
    const size_t end = std::min(names.find(' '), names.size());
    fields.emplace_back(std::string(names.substr(0, end)), Value{value});
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return make_record(std::move(fields));
}

void LayerCall::warn_double_softmax() {
  if (layer_->name != "cross_entropy") return;
  const auto output = values_.find("output");
  const ValueId* value = output == values_.end() ? nullptr : std::get_if<ValueId>(&output->second);
  const LayerDef* maker = value ? evaluator_->construction().maker(*value) : nullptr;
  if (!maker || maker->name != "softmax") return;
  const int32_t node = evaluator_->construction().graph.value(*value).node;
  warning(DiagnosticKind::DoubleSoftmax, "`cross_entropy` applies softmax itself, so that it is applied twice here")
      .note("the network's own `softmax` is here", evaluator_->construction().graph.node(node).location)
      .help("let the network end before its `softmax`; `predict` applies it by itself");
}

/// `conv(6, 16, 5)` is how PyTorch writes 16 filters of 5x5 on 6 channels; here it is legal, and something else.
void LayerCall::warn_positional_stride() {
  const auto filters = written_.find("filters"), kernel = written_.find("kernel"), stride = written_.find("stride");
  if (filters == written_.end() || kernel == written_.end() || stride == written_.end()) return;
  if (stride->second.front()->name || filters->second.front()->name || kernel->second.front()->name) return;
  const auto text = [&](const auto& entry) { return std::string(evaluator_->text(entry->second.front()->range)); };
  warning(DiagnosticKind::PositionalArguments, fmt::format("`{}` has {} filters, a kernel of {} and a stride of {}: the number of its input's channels is not written",
                                                           call_text(), text(filters), text(kernel), text(stride)))
      .help(fmt::format("write `stride: {}` if that is meant; what is `conv({}, {}, {})` in PyTorch is `{}({}, kernel: {})` here", text(stride),
                        text(filters), text(kernel), text(stride), layer_->name, text(kernel), text(stride)));
}

const ArgumentValue& LayerCall::argument(std::string_view name) const {
  const auto found = values_.find(name);
  CNNC_CHECK(found != values_.end(), fmt::format("`{}` has an argument `{}`", layer_->name, name));
  return found->second;
}

bool LayerCall::given(std::string_view name) const { return written_.count(name) > 0; }
const TensorType& LayerCall::type(ValueId value) const { return evaluator_->construction().graph.type(value); }
ElementType LayerCall::float_type() const { return evaluator_->construction().float_type; }

std::vector<ValueId> LayerCall::add(std::string_view op, std::vector<ValueId> operands, AttributeMap attributes) {
  evaluator_->charge(1, call_->range);
  // After a report the values may not fit each other any more; nobody sees the graph then.
  if (failed_) return std::vector<ValueId>(get_op(op).operands.size() + 4, poison());
  return evaluator_->construction().add(op, std::move(operands), std::move(attributes));
}

ValueId LayerCall::poison() { return evaluator_->construction().add_argument({float_type(), false, {}}, call_->range); }

ValueId LayerCall::weight(std::string_view name, Dims dims, Initialiser initialiser, std::string_view group) {
  has_matrix_weight_ |= dims.size() >= 2;
  return evaluator_->parameter({scope_ + "." + std::string(name), Role::Weight, {float_type(), false, std::move(dims)},
                                std::move(initialiser), std::string(group), call_->range}, failed_);
}

ValueId LayerCall::state(std::string_view name, Dims dims, Initialiser initialiser) {
  return evaluator_->parameter({scope_ + "." + std::string(name), Role::State, {float_type(), false, std::move(dims)},
                                std::move(initialiser), {}, call_->range}, failed_);
}

void LayerCall::update_state(ValueId state, ValueId next) {
  if (!failed_) evaluator_->construction().update_state(state, next);
}

int64_t LayerCall::next_random_stream() { return evaluator_->random_streams_++; }

Diagnostic& LayerCall::error(DiagnosticKind kind, std::string message) {
  failed_ = true;
  return evaluator_->reporter().error(kind, call_->range, std::move(message));
}

Diagnostic& LayerCall::error_at(std::string_view argument, DiagnosticKind kind, std::string message) {
  failed_ = true;
  const auto found = written_.find(argument);
  const SourceRange range = found == written_.end() ? call_->range : found->second.front()->range;
  return evaluator_->reporter().error(kind, range, std::move(message));
}

Diagnostic& LayerCall::warning(DiagnosticKind kind, std::string message) {
  return evaluator_->reporter().warning(kind, call_->range, std::move(message));
}

std::string LayerCall::call_text() const { return evaluator_->text(call_->range); }
void LayerCall::note_origin(Diagnostic& diagnostic, ValueId value) const { evaluator_->note_origin(diagnostic, value); }

// ---- weights

ValueId Evaluator::parameter(Parameter parameter, bool& failed) {
  const auto index = construction_.find_parameter(parameter.name);
  if (!index) {
    if (reusing_) {
      failed = true;
      reporter_->error(DiagnosticKind::ShareMismatch, parameter.location,
                       fmt::format("this use needs a weight `{}` that the first use has not made", parameter.name))
          .help("uses that share their weights must be built in the same way");
    }
    return construction_.add_parameter(std::move(parameter));
  }
  const Parameter& existing = construction_.parameters[*index];
  const ValueId value = construction_.parameter_value(*index);
  if (!reusing_) {
    failed = true;
    reporter_->error(DiagnosticKind::NameClash, parameter.location, fmt::format("two weights are called `{}`", parameter.name))
        .note("the other one is here", existing.location)
        .help("give a binding or a `share` here another name");
  } else if (existing.type != parameter.type) {
    failed = true;
    reporter_->error(DiagnosticKind::ShareMismatch, parameter.location,
                     fmt::format("`{}` is {} here, but {} in its first use", parameter.name, shape_text(parameter.type.dims), shape_text(existing.type.dims)))
        .note("the first use is here", existing.location)
        .help("uses that share their weights need inputs of the same number of channels");
  }
  return value;
}

// ---- values as tensors

ValueId Evaluator::as_tensor(const Value& value, const TensorType* like) {
  if (const ValueId* tensor = value.as<ValueId>()) return *tensor;
  if (const LabelColumn* label = value.as<LabelColumn>()) return like ? label_column(*label, *like, construction_.location) : ValueId{};
  const auto table = as_table(value);
  if (!table) return {};
  // A table of one number throughout is stored as that number.
  const bool uniform = std::all_of(table->numbers.begin(), table->numbers.end(), [&](double n) { return n == table->numbers[0]; });
  return construction_.constant(table->dims, uniform ? Numbers{table->numbers[0]} : table->numbers);
}

ValueId Evaluator::label_column(const LabelColumn& label, const TensorType& type, SourceRange range) {
  const std::string name = label.name.empty() ? "label" : label.name;
  const TensorType wanted{type.element, true, type.dims};
  for (const Port& port : construction_.labels) {
    if (port.name != name) continue;
    const TensorType& existing = construction_.graph.type(port.value);
    if (existing == wanted) return port.value;
    reporter_->error(DiagnosticKind::ShapeMismatch, range,
                     fmt::format("the label `{}` is used as {} here, and as {} before", name, to_string(wanted), to_string(existing)))
        .note("the other use is here", label_uses_[name]);
    return {};
  }
  label_uses_[name] = range;
  const ValueId value = construction_.add_argument(wanted, range);
  construction_.labels.push_back({name, Role::Label, value});
  return value;
}

}  // namespace cnnc::sema

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Lists, tables and records as values; comparing and describing values.
#include "sema/value.h"

#include <fmt/format.h>

#include <algorithm>

#include "sema/builtins.h"
#include "support/text.h"

namespace cnnc::sema {
namespace {

/// Leaves are counted up to here; more than any limit, and far from overflow.
constexpr int64_t kManyLeaves = int64_t{1} << 40;

bool append_table(const Value& value, ConstantTable& table, size_t level) {
  if (const double* number = value.as<double>()) {
    if (level != table.dims.size()) return false;
    table.numbers.push_back(*number);
    return true;
  }
  const auto items = as_items(value);
  if (!items || items->empty() || level >= table.dims.size()) return false;
  if (static_cast<int64_t>(items->size()) != table.dims[level]) return false;
  return std::all_of(items->begin(), items->end(), [&](const Value& item) { return append_table(item, table, level + 1); });
}

}  // namespace

const List* Value::list() const {
  const auto* pointer = as<std::shared_ptr<const List>>();
  return pointer ? pointer->get() : nullptr;
}
const Record* Value::record() const {
  const auto* pointer = as<std::shared_ptr<const Record>>();
  return pointer ? pointer->get() : nullptr;
}
const ConstantTable* Value::table() const {
  const auto* pointer = as<std::shared_ptr<const ConstantTable>>();
  return pointer ? pointer->get() : nullptr;
}

int nesting(const Value& value) {
  if (const List* list = value.list()) return list->depth;
  if (const Record* record = value.record()) return record->depth;
  return 0;
}

int64_t leaf_count(const Value& value) {
  if (const List* list = value.list()) return list->leaves;
  if (const ConstantTable* table = value.table()) return static_cast<int64_t>(table->numbers.size());
  return 1;
}

Value make_list(std::vector<Value> items) {
  List list{std::move(items), 1, 0};
  for (const Value& item : list.items) {
    list.depth = std::max(list.depth, nesting(item) + 1);
    list.leaves = std::min(kManyLeaves, list.leaves + leaf_count(item));
  }
  return {std::make_shared<const List>(std::move(list))};
}

Value make_record(std::vector<std::pair<std::string, Value>> fields) {
  Record record{std::move(fields), 1};
  for (const auto& [name, value] : record.fields) record.depth = std::max(record.depth, nesting(value) + 1);
  return {std::make_shared<const Record>(std::move(record))};
}

Value make_table(ConstantTable table) {
  if (table.dims.empty()) return {table.numbers.at(0)};
  return {std::make_shared<const ConstantTable>(std::move(table))};
}

Value table_row(const ConstantTable& table, int64_t index) {
  ConstantTable row{{table.dims.begin() + 1, table.dims.end()}, {}};
  const int64_t size = element_count(row.dims);
  const auto begin = table.numbers.begin() + index * size;
  row.numbers.assign(begin, begin + size);
  return make_table(std::move(row));
}

std::optional<std::vector<Value>> as_items(const Value& value) {
  if (const List* list = value.list()) return list->items;
  const ConstantTable* table = value.table();
  if (!table) return std::nullopt;
  std::vector<Value> rows;
  for (int64_t i = 0; i < table->dims[0]; ++i) rows.push_back(table_row(*table, i));
  return rows;
}

std::optional<ConstantTable> as_table(const Value& value) {
  if (const ConstantTable* table = value.table()) return *table;
  if (const double* number = value.as<double>()) return ConstantTable{{}, {*number}};
  if (!value.list()) return std::nullopt;
  ConstantTable table;
  // The dimensions are those of the first items; append_table checks that all others have them too.
  for (Value first = value; !first.as<double>();) {
    if (const ConstantTable* inner = first.table()) {
      table.dims.insert(table.dims.end(), inner->dims.begin(), inner->dims.end());
      break;
    }
    const List* list = first.list();
    if (!list || list->items.empty()) return std::nullopt;
    table.dims.push_back(static_cast<int64_t>(list->items.size()));
    first = Value(list->items[0]);
  }
  if (!append_table(value, table, 0)) return std::nullopt;
  return table;
}

bool same_value(const Value& a, const Value& b) {
  const auto left = as_items(a), right = as_items(b);
  if (left && right)
    return std::equal(left->begin(), left->end(), right->begin(), right->end(), same_value);
  if (a.kind.index() != b.kind.index()) return false;
  if (const Record* record = a.record()) {
    const auto same_field = [](const auto& x, const auto& y) { return x.first == y.first && same_value(x.second, y.second); };
    return std::equal(record->fields.begin(), record->fields.end(), b.record()->fields.begin(), b.record()->fields.end(), same_field);
  }
  if (const auto* x = a.as<double>()) return *x == *b.as<double>();
  if (const auto* x = a.as<bool>()) return *x == *b.as<bool>();
  if (const auto* x = a.as<Text>()) return x->text == b.as<Text>()->text;
  if (const auto* x = a.as<Word>()) return x->text == b.as<Word>()->text;
  if (const auto* x = a.as<ValueId>()) return *x == *b.as<ValueId>();
  if (const auto* x = a.as<Callable>()) return *x == *b.as<Callable>();
  if (const auto* x = a.as<Initialiser>()) return *x == *b.as<Initialiser>();
  if (const auto* x = a.as<LabelColumn>()) return x->name == b.as<LabelColumn>()->name;
  return true;
}

std::string callable_name(const Callable& callable) {
  if (callable.layer) return std::string(callable.layer->name);
  if (callable.definition) return callable.definition->name.text;
  return std::string(callable.builtin->name);
}

std::string describe(const Value& value) {
  if (value.as<double>()) return "a number";
  if (value.as<bool>()) return "true or false";
  if (value.as<Text>()) return "a string";
  if (const Word* word = value.as<Word>()) return fmt::format("the word `{}`", word->text);
  if (value.as<ValueId>()) return "a tensor";
  if (value.list()) return fmt::format("a list of {}", value.list()->items.size());
  if (value.table()) return "a table of numbers";
  if (value.as<Initialiser>()) return "an initialiser";
  if (value.as<LabelColumn>()) return "a label";
  if (const Callable* callable = value.as<Callable>()) {
    const bool is_block = callable->definition && callable->definition->kind == ast::DefinitionKind::Block;
    const bool is_network = callable->definition && callable->definition->kind == ast::DefinitionKind::Network;
    const bool is_function = callable->builtin || (callable->layer && callable->layer->kind != LayerKind::Layer);
    return fmt::format("the {} `{}`", is_network ? "network" : is_block ? "block" : is_function ? "function" : "layer",
                       callable_name(*callable));
  }
  if (const Record* record = value.record()) {
    std::vector<std::string> names;
    for (const auto& field : record->fields) names.push_back("`" + field.first + "`");
    return fmt::format("a record of {}", join_choices(names, "and"));
  }
  return "nothing";
}

}  // namespace cnnc::sema

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an expression of the language is worth when compiling: a number, a tensor of the graph, a list, a layer, …
// Values are immutable and shared; a poisoned value stands for one whose error was reported, and stays silent.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ir/layer.h"
#include "syntax/ast.h"

namespace cnnc::sema {

struct Value;
struct Builtin;

struct Poison {};
/// A string in quotes.
struct Text {
  std::string text;
};
/// A name that only layers know: `same`, `he_normal`.
struct Word {
  std::string text;
};
/// A layer of the table, a definition of a file, or a function of sema: exactly one is set.
struct Callable {
  const LayerDef* layer = nullptr;
  const ast::Definition* definition = nullptr;
  const Builtin* builtin = nullptr;
  bool operator==(const Callable&) const = default;
};
/// A column of labels. It gets its type where it is used: `name` is empty for `label`, else `label.NAME`.
struct LabelColumn {
  std::string name;
};
/// `depth` and `leaves` (numbers of levels and of innermost items) are bounded, so that recursion and copies are.
struct List {
  std::vector<Value> items;
  int depth = 1;
  int64_t leaves = 0;
};
struct Record {
  std::vector<std::pair<std::string, Value>> fields;
  int depth = 1;
};

struct Value {
  std::variant<Poison, double, bool, Text, Word, ValueId, std::shared_ptr<const List>, std::shared_ptr<const Record>,
               std::shared_ptr<const ConstantTable>, Callable, Initialiser, LabelColumn>
      kind;

  template <class T>
  const T* as() const {
    return std::get_if<T>(&kind);
  }
  bool poisoned() const { return std::holds_alternative<Poison>(kind); }
  const List* list() const;
  const Record* record() const;
  const ConstantTable* table() const;
};

Value make_list(std::vector<Value> items);
Value make_record(std::vector<std::pair<std::string, Value>> fields);
/// A table of rank 0 becomes a number.
Value make_table(ConstantTable table);

/// Levels of lists or records in a value; 0 for others.
int nesting(const Value& value);
/// Numbers in a list or table, 1 for others.
int64_t leaf_count(const Value& value);

/// A number, a table, or a list of equally long lists of numbers; nothing for everything else.
std::optional<ConstantTable> as_table(const Value& value);
/// The items of a list or the rows of a table; nothing for everything else.
std::optional<std::vector<Value>> as_items(const Value& value);
/// Row `index` of a table.
Value table_row(const ConstantTable& table, int64_t index);

bool same_value(const Value& a, const Value& b);
std::string callable_name(const Callable& callable);
/// "a number", "a list", "the block `stage`": for messages. Tensors are described by whoever knows their types.
std::string describe(const Value& value);

}  // namespace cnnc::sema

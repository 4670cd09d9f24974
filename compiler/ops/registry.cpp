// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tables of ops and layers, gathered from the families of this folder. The build writes ops/list.inc, a line
// FAMILY(name) for each file, from the files' names.
#include <algorithm>

#include <fmt/format.h>

#include "ir/layer.h"
#include "ir/op.h"
#include "support/check.h"

namespace cnnc {

#define FAMILY(name)                     \
  std::vector<OpDef> name##_ops();       \
  std::vector<LayerDef> name##_layers();
#include "ops/list.inc"
#undef FAMILY

namespace {

/// Appends one family's definitions, then sorts by name; names are unique.
template <class Def>
class Table {
 public:
  void add(std::vector<Def> family) {
    for (Def& def : family) defs_.push_back(std::move(def));
  }
  void finish() {
    std::sort(defs_.begin(), defs_.end(), [](const Def& a, const Def& b) { return a.name < b.name; });
    for (size_t i = 1; i < defs_.size(); ++i)
      CNNC_CHECK(defs_[i - 1].name != defs_[i].name, fmt::format("`{}` is defined twice", defs_[i].name));
  }
  std::span<const Def> all() const { return defs_; }
  const Def* find(std::string_view name) const {
    const auto it = std::lower_bound(defs_.begin(), defs_.end(), name, [](const Def& def, std::string_view n) { return def.name < n; });
    return it != defs_.end() && it->name == name ? &*it : nullptr;
  }

 private:
  std::vector<Def> defs_;
};

const Table<OpDef>& ops() {
  static const Table<OpDef> table = [] {
    Table<OpDef> result;
#define FAMILY(name) result.add(name##_ops());
#include "ops/list.inc"
#undef FAMILY
    result.finish();
    return result;
  }();
  return table;
}

const Table<LayerDef>& layers() {
  static const Table<LayerDef> table = [] {
    Table<LayerDef> result;
#define FAMILY(name) result.add(name##_layers());
#include "ops/list.inc"
#undef FAMILY
    result.finish();
    return result;
  }();
  return table;
}

}  // namespace

const OpDef* find_op(std::string_view name) { return ops().find(name); }
std::span<const OpDef> all_ops() { return ops().all(); }
const OpDef& get_op(std::string_view name) {
  const OpDef* op = find_op(name);
  CNNC_CHECK(op, fmt::format("there is no op `{}`", name));
  return *op;
}

const LayerDef* find_layer(std::string_view name) { return layers().find(name); }
std::span<const LayerDef> all_layers() { return layers().all(); }

}  // namespace cnnc

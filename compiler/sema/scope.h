// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where weights get their names. A scope is a binding, a block instance, a shared name, a named result or a network; within
// it each kind of layer counts from 1. A scope that is entered again by another binding of its name goes on counting; one
// that is used again as a whole (`share`, a network) starts over, so that the same names, and so the same weights, come out.
#pragma once
#include <map>
#include <memory>
#include <string>

namespace cnnc::sema {

class Scope {
 public:
  explicit Scope(std::string name) : name_(std::move(name)) {}

  /// "stem.bottleneck1"; empty for the network that is built.
  const std::string& name() const { return name_; }
  std::string full_name(const std::string& part) const { return name_.empty() ? part : name_ + "." + part; }

  /// "conv1", then "conv2".
  std::string next(const std::string& kind) { return kind + std::to_string(++counters_[kind]); }

  Scope& child(const std::string& part) {
    std::unique_ptr<Scope>& entry = children_[part];
    if (!entry) entry = std::make_unique<Scope>(full_name(part));
    return *entry;
  }

  /// Counts from the beginning again, here and in all parts.
  void start_over() {
    counters_.clear();
    for (auto& [part, scope] : children_) scope->start_over();
  }

 private:
  std::string name_;
  std::map<std::string, int> counters_;
  std::map<std::string, std::unique_ptr<Scope>> children_;
};

}  // namespace cnnc::sema

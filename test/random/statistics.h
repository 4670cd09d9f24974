// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Generated networks → how often each layer, argument, loss, metric and optimizer of the compiler's tables occurs in them, and
// which never does. So a test can demand that what is new in a table is drawn.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "test/random/program.h"

namespace cnnc::random_programs {

class Statistics {
 public:
  /// Everything that is to occur, zero times.
  Statistics();
  void add(const RandomProgram& program);
  /// A line for each thing: how often, and what.
  std::string table() const;
  std::vector<std::string> missing() const;

 private:
  void count(const std::string& thing) { ++counts_[thing]; }
  void count_arguments(const std::string& callee, const std::vector<Statement::Argument>& arguments);
  void count_setting(const std::string& setting);

  std::map<std::string, int64_t> counts_;
};

}  // namespace cnnc::random_programs

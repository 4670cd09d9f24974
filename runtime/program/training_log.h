// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The log of a training run: CSV, a row a step (`step,epoch,loss,rate`, both counted from 1). Best effort: a disk that fails, and
// fails again, ends the log with a warning, not the training; the rows before it stay. Tests: test/runtime/program, test/faults.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace cnnc::runtime {

class TrainingLog {
 public:
  /// Empty path: no log. `resumed_step` > 0: rows up to that step stay, later ones are cut, and rows that are missing are told of;
  /// else the file begins anew.
  TrainingLog(const std::string& path, int64_t resumed_step);
  ~TrainingLog();
  TrainingLog(const TrainingLog&) = delete;
  TrainingLog& operator=(const TrainingLog&) = delete;

  /// Adds a row; allocates nothing. `loss_is_float`: printed as the shortest f32, else as the shortest f64.
  void row(int64_t step, int64_t epoch, double loss, double rate, bool loss_is_float);
  /// Hands all rows to the system.
  void flush();
  /// Puts all rows on the disk: called before a checkpoint that covers them.
  void sync();

 private:
  bool begin(int64_t resumed_step);
  /// The log ends; returns false.
  bool fail(const std::string& action);
  std::string path_;
  int descriptor_ = -1;
  std::vector<char> buffer_;
  size_t used_ = 0;
};

}  // namespace cnnc::runtime

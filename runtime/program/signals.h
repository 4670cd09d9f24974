// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Signals → flags. INT and TERM set the flag that kernels read, and a second one leaves at once; USR1 asks for a checkpoint. A pipe
// without reader and a file that may not grow (PIPE, XFSZ) are failed writes and no more: a log that nobody reads ends no training.
// The handlers set flags and do nothing else. Tests: test/runtime/program, test/faults.
#pragma once
#include <cstdint>

namespace cnnc::runtime {

/// Handles these signals while it lives; puts the handlers before it back at its end. Until `let_signals_wait`, while there is
/// nothing to be saved, INT and TERM leave at once.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
};

/// From now on INT and TERM wait for someone who asks for `stop_flag` or `stop_status`.
void let_signals_wait();
/// Not zero after INT or TERM: for cnn_context.stop.
const volatile int32_t* stop_flag();
/// 130 or 143 after a signal, else 0.
int stop_status();
/// Whether USR1 came since the last call.
bool take_save_request();

}  // namespace cnnc::runtime

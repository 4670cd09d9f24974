// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Signals → flags. INT and TERM set the flag that kernels read, and a second one leaves at once; USR1 asks for a checkpoint.
// The handlers set flags and do nothing else. Tests: test/runtime/program.
#pragma once
#include <cstdint>

namespace cnnc::runtime {

/// Handles INT, TERM and USR1 while it lives; puts the handlers before it back at its end.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
};

/// Not zero after INT or TERM: for cnn_context.stop.
const volatile int32_t* stop_flag();
/// 130 or 143 after a signal, else 0.
int stop_status();
/// Whether USR1 came since the last call.
bool take_save_request();

}  // namespace cnnc::runtime

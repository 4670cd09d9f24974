// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The signal handlers and their flags: the only mutable globals of a built program.
#include "runtime/program/signals.h"

#include <signal.h>
#include <unistd.h>

#include "runtime/program/failure.h"

namespace cnnc::runtime {
namespace {

volatile int32_t stop_requested = 0;
volatile sig_atomic_t stop_signal = 0;
volatile sig_atomic_t save_requested = 0;
struct sigaction old_int, old_term, old_usr1;

int status_of(int signal) { return signal == SIGTERM ? kTerminated : kInterrupted; }

extern "C" void on_stop(int signal) {
  if (stop_signal != 0) _exit(status_of(signal));
  stop_signal = signal;
  stop_requested = 1;
}

extern "C" void on_save(int) { save_requested = 1; }

void handle(int signal, void (*handler)(int), struct sigaction* old) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, old);
}

}  // namespace

SignalWatch::SignalWatch() {
  stop_requested = 0;
  stop_signal = 0;
  save_requested = 0;
  handle(SIGINT, on_stop, &old_int);
  handle(SIGTERM, on_stop, &old_term);
  handle(SIGUSR1, on_save, &old_usr1);
}

SignalWatch::~SignalWatch() {
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
  sigaction(SIGUSR1, &old_usr1, nullptr);
}

const volatile int32_t* stop_flag() { return &stop_requested; }
int stop_status() { return stop_signal == 0 ? 0 : status_of(stop_signal); }

bool take_save_request() {
  const bool requested = save_requested != 0;
  save_requested = 0;
  return requested;
}

}  // namespace cnnc::runtime

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
volatile sig_atomic_t signals_wait = 0;

int status_of(int signal) {
  switch (signal) {
    case SIGTERM: return kTerminated;
    case SIGHUP: return kHungUp;
    default: return kInterrupted;
  }
}

extern "C" void on_stop(int signal) {
  if (stop_signal != 0 || !signals_wait) _exit(status_of(signal));
  stop_signal = signal;
  stop_requested = 1;
}

extern "C" void on_save(int) { save_requested = 1; }

struct Handled {
  int signal;
  void (*handler)(int);
  struct sigaction before;
};
Handled handled[] = {
    {SIGINT, on_stop, {}}, {SIGTERM, on_stop, {}}, {SIGHUP, on_stop, {}}, {SIGUSR1, on_save, {}}, {SIGPIPE, SIG_IGN, {}}, {SIGXFSZ, SIG_IGN, {}},
};

}  // namespace

SignalWatch::SignalWatch() {
  stop_requested = 0;
  stop_signal = 0;
  save_requested = 0;
  signals_wait = 0;
  for (Handled& one : handled) {
    struct sigaction action = {};
    action.sa_handler = one.handler;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(one.signal, &action, &one.before);
    // `nohup` starts a program so that it outlives its terminal.
    if (one.signal == SIGHUP && one.before.sa_handler == SIG_IGN) sigaction(SIGHUP, &one.before, nullptr);
  }
}

SignalWatch::~SignalWatch() {
  for (const Handled& one : handled) sigaction(one.signal, &one.before, nullptr);
}

void let_signals_wait() { signals_wait = 1; }
const volatile int32_t* stop_flag() { return &stop_requested; }
int stop_status() { return stop_signal == 0 ? 0 : status_of(stop_signal); }

bool take_save_request() {
  const bool requested = save_requested != 0;
  save_requested = 0;
  return requested;
}

}  // namespace cnnc::runtime

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs an action in a process of its own, so that whatever ends it (a fault, an abort inside a library, exhausted memory) becomes
// an internal error that is told, with exit status 70, and not the end of the compiler. No process and no temporary file of the action
// outlives it, not even where it is killed or a signal ends the compiler.
// Tests: test/driver/internal_errors.test, killed_compiles.test
#pragma once
#include <functional>
#include <string>

namespace cnnc {

/// The exit status of the action. Where it throws or dies, `internal error: …` is printed to standard error and the status is
/// kInternalError. Signals by which a user ends a program (INT, TERM, PIPE, …) end this process too.
/// The action's changes of memory are lost.
int run_guarded(const std::function<int()>& action);

/// The same in silence, for at most so many seconds: standard output and error of the action go to /dev/null. True where its status is 0.
bool try_guarded(int seconds, const std::function<int()>& action);

/// Ends this process, as an internal error, if it has not called stop_clock within so many seconds.
void start_clock(int seconds);
void stop_clock();

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// fork, wait, and what the end of the child means.
#include "driver/guarded.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "driver/exit_status.h"
#include "driver/source_input.h"
#include "support/check.h"

namespace cnnc {
namespace {

int run_and_report(const std::function<int()>& action) {
  try {
    const int status = action();
    // What could not be written (a full disk, a closed pipe) is a failure too.
    if (std::fflush(stdout) != 0 && status == kDone) {
      print_error("the output could not be written");
      return kInputWrong;
    }
    return status;
  } catch (const std::exception& error) {
    print_internal_error(error.what());
    return kInternalError;
  }
}

/// Runs the action in a child and waits; returns what waitpid says.
int status_of_child(const std::function<int()>& action, bool silent) {
  std::fflush(nullptr);
  const pid_t child = fork();
  CNNC_CHECK(child >= 0, "no process for the compilation");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (silent) {
      const int nowhere = open("/dev/null", O_WRONLY);
      dup2(nowhere, STDOUT_FILENO);
      dup2(nowhere, STDERR_FILENO);
    }
    const int status = run_and_report(action);
    std::fflush(nullptr);
    // No destructors of libraries: a compilation that is done must not fail in them.
    _exit(status);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) CNNC_CHECK(errno == EINTR, "the compilation's process is gone");
  return status;
}

bool is_users_signal(int number) {
  switch (number) {
    case SIGINT:
    case SIGTERM:
    case SIGHUP:
    case SIGQUIT:
    case SIGPIPE:
    case SIGXCPU: return true;
    default: return false;
  }
}

}  // namespace

int run_guarded(const std::function<int()>& action) {
  const int status = status_of_child(action, false);
  if (WIFEXITED(status)) {
    if (WEXITSTATUS(status) == kInternalError) print_defect_note();
    return WEXITSTATUS(status);
  }
  const int number = WTERMSIG(status);
  if (is_users_signal(number)) {
    signal(number, SIG_DFL);
    raise(number);
  }
  print_internal_error(number == SIGALRM   ? "the code generator took too long"
                       : number == SIGKILL ? "the compilation was ended by signal 9 (Killed); perhaps there was too little memory"
                                           : fmt::format("the compilation was ended by signal {} ({})", number, strsignal(number)));
  print_defect_note();
  return kInternalError;
}

bool try_guarded(const std::function<int()>& action) {
  const int status = status_of_child(action, true);
  return WIFEXITED(status) && WEXITSTATUS(status) == kDone;
}

void start_clock(int seconds) { alarm(static_cast<unsigned>(seconds)); }
void stop_clock() { alarm(0); }

}  // namespace cnnc

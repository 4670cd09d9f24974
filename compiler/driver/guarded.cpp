// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// fork, wait, what the end of the child means, and what must be cleared away then.
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
#include <fstream>
#include <vector>

#include "driver/exit_status.h"
#include "driver/source_input.h"
#include "support/check.h"
#include "support/temporary_folder.h"

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

/// What the child of `fork` does.
[[noreturn]] void run_in_child(const std::function<int()>& action, bool silent) {
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

/// Signals by which a user ends a program, of which this process would die: neither ignored (`nohup`) nor caught.
std::vector<int> deadly_signals() {
  std::vector<int> out;
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    struct sigaction action {};
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) out.push_back(number);
  }
  return out;
}

/// While it lives these signals wait, and so does the end of a child: `next` takes one out.
class HeldSignals {
 public:
  explicit HeldSignals(const std::vector<int>& numbers) {
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&held_);
    sigaddset(&held_, SIGCHLD);
    for (int number : numbers) sigaddset(&held_, number);
    sigprocmask(SIG_BLOCK, &held_, &before_);
  }
  ~HeldSignals() { release(); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  void release() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  /// The next of them; -1 where another signal, which is caught, came.
  int next() const { return sigwaitinfo(&held_, nullptr); }

 private:
  sigset_t held_, before_;
};

/// Waits for the child, and passes on to it the signals that would end this process; returns what waitpid says.
int wait_for(pid_t child, const HeldSignals& signals) {
  int status = 0;
  while (true) {
    const int number = signals.next();
    if (number == SIGCHLD) {
      const pid_t ended = waitpid(child, &status, WNOHANG);
      CNNC_CHECK(ended >= 0, "the compilation's process is gone");
      if (ended == child) return status;
    } else if (number > 0) {
      kill(child, number);
    }
  }
}

/// Ends what a killed child leaves running (kernels' workers, the linker), so that nothing writes any more: this process is the
/// one that inherits them.
void end_orphans() {
  do {
    std::ifstream children(fmt::format("/proc/self/task/{}/children", getpid()));
    for (pid_t orphan = 0; children >> orphan;) kill(orphan, SIGKILL);
  } while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR);
}

/// Runs the action in a child and waits; returns what waitpid says. Temporary files of the child are gone then, however it ended.
int status_of_child(const std::function<int()>& action, bool silent) {
  std::fflush(nullptr);
  HeldSignals signals(deadly_signals());
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const TemporaryFolder folder;
  make_temporary_folders_in(folder.path());
  const pid_t child = fork();
  if (child == 0) {
    signals.release();
    run_in_child(action, silent);
  }
  make_temporary_folders_in({});
  CNNC_CHECK(child > 0, "no process for the compilation");
  const int status = wait_for(child, signals);
  end_orphans();
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

bool try_guarded(int seconds, const std::function<int()>& action) {
  const auto hurried = [&] {
    start_clock(seconds);
    return action();
  };
  const int status = status_of_child(hurried, true);
  return WIFEXITED(status) && WEXITSTATUS(status) == kDone;
}

void start_clock(int seconds) { alarm(static_cast<unsigned>(seconds)); }
void stop_clock() { alarm(0); }

}  // namespace cnnc

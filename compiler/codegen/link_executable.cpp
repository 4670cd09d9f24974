// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Object + libcnnrt.a → executable, by the system's `cc`, in a temporary folder. The result appears under its name only when it is
// whole; what a killed link leaves goes with the folder.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "codegen/codegen.h"
#include "support/temporary_folder.h"
#include "support/text.h"

extern char** environ;

namespace cnnc {
namespace {

namespace fs = std::filesystem;

/// Arguments of the link, one a line; `@/` at the start of one stands for the runtime's folder.
std::vector<std::string> link_arguments(const std::string& runtime_folder) {
  std::vector<std::string> arguments;
  std::ifstream in(runtime_folder + "/cnnrt.link");
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    arguments.push_back(line.starts_with("@/") ? runtime_folder + line.substr(1) : line);
  }
  return arguments;
}

/// This process's environment, but for the folder in which a command makes its temporary files.
std::vector<std::string> environment_with(const std::string& temporary) {
  std::vector<std::string> out = {"TMPDIR=" + temporary};
  for (char** variable = environ; *variable; ++variable)
    if (!std::string_view(*variable).starts_with("TMPDIR=")) out.emplace_back(*variable);
  return out;
}

/// The texts as exec takes them, for as long as they live.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Runs a command, its output into `log` and its temporary files into `folder`; returns the exit status, or -1 when it cannot be
/// started.
int run(std::vector<std::string> command, const std::string& log, const std::string& folder) {
  std::vector<std::string> environment = environment_with(folder);
  const std::vector<char*> arguments = pointers_to(command), variables = pointers_to(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t process = -1;
  const int error = posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), variables.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return -1;
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string link_executable(const std::string& object, const std::string& output, const std::string& runtime_folder,
                            bool sanitize) {
  if (!fs::exists(runtime_folder + "/libcnnrt.a"))
    return fmt::format("the runtime is missing: no {}/libcnnrt.a", runtime_folder);
  const TemporaryFolder folder;
  if (!folder.exists()) return folder.error();
  const std::string object_path = folder.file("program.o"), linked = folder.file("program");
  {
    std::ofstream out(object_path, std::ios::binary);
    out << object;
    if (!out.flush()) return fmt::format("cannot write {}: {}", object_path, std::strerror(errno));
  }
  std::vector<std::string> command = {"cc", "-o", linked, object_path};
  for (std::string& argument : link_arguments(runtime_folder)) command.push_back(std::move(argument));
  if (sanitize) command.push_back("-fsanitize=address,undefined");
  const std::string log = folder.file("log");
  const int status = run(std::move(command), log, folder.path());
  if (status == -1) return "the system's C compiler `cc` cannot be started; it links the program (Debian: apt install gcc)";
  if (status != 0) return fmt::format("linking with `cc` failed with status {}:\n{}", status, read_text(log));

  const std::string partial = fmt::format("{}.{}.partial", output, getpid());
  std::error_code error;
  fs::copy_file(linked, partial, error);
  if (!error) fs::rename(partial, output, error);
  if (error) {
    const std::string reason = error.message();
    fs::remove(partial, error);
    return fmt::format("cannot write {}: {}", escape_control(output), reason);
  }
  return {};
}

}  // namespace cnnc

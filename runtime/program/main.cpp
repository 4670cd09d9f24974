// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cnn_main: chooses the subcommand, prints help, turns failures into messages and exit statuses.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>

#include "runtime/formats/error.h"
#include "runtime/formats/text.h"
#include "runtime/program/commands.h"
#include "runtime/program/failure.h"
#include "runtime/program/processor.h"
#include "runtime/program/thread_pool.h"
#include "runtime/settings/words.h"

namespace cnnc::runtime {
namespace {

const Command* const kCommands[] = {&kTrainCommand, &kEvalCommand, &kPredictCommand, &kGradientsCommand, &kBenchCommand, &kInfoCommand, &kCheckDataCommand};

std::string base_name(const char* path) {
  const std::string text = path ? path : "program";
  return text.substr(text.rfind('/') + 1);
}

std::string overview(const std::string& name, const cnn_program& program) {
  std::string out = "usage: " + name + " COMMAND [OPTIONS]\n\nThe network `" + program.network + "`, built by " + program.compiler + " for " + program.target + ".\n\ncommands:\n";
  for (const Command* command : kCommands) {
    std::string padded(command->def.name);
    padded.resize(12, ' ');
    out += "  " + padded + std::string(command->def.summary) + "\n";
  }
  return out + "\n`" + name + " COMMAND --help` lists the options of a command.\n";
}

const Command& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command* command : kCommands) {
    if (name == command->def.name) return *command;
    names.emplace_back(command->def.name);
  }
  const std::string near = settings::nearest(name, names);
  fail_usage("there is no command " + formats::quote_name(name), near.empty() ? "the commands are " + settings::join_choices(names, "and") : "did you mean `" + near + "`?");
}

int run(int argc, char** argv, const cnn_program& program) {
  const std::string name = formats::escape_terminal(base_name(argc > 0 ? argv[0] : nullptr));
  set_diagnostic_name(name);
  if (program.abi_version != CNN_ABI_VERSION)
    throw Failure(kInternalError, "the program was compiled for version " + std::to_string(program.abi_version) + " of the runtime, but this is version " + std::to_string(CNN_ABI_VERSION));
  if (argc < 2) {
    std::fputs(overview(name, program).c_str(), stderr);
    return kBadUsage;
  }
  const std::string first = argv[1];
  if (first == "--help" || first == "-h" || first == "help") {
    std::fputs(overview(name, program).c_str(), stdout);
    return kDone;
  }
  if (first == "--version" || first == "version") {
    std::printf("%s (%s, %s)\n", program.network, program.compiler, program.target);
    return kDone;
  }
  const Command& command = find_command(first);
  const CommandLine line(command.def, std::span<char* const>(argv + 2, static_cast<size_t>(argc - 2)));
  if (line.wants_help()) {
    std::fputs(help_text(name, command.def).c_str(), stdout);
    return kDone;
  }
  if (command.runs_kernels) check_processor(program);
  const FlushToZero flush;
  const int status = command.run(program, line);
  if (std::fflush(stdout) != 0) fail("cannot write to standard output");
  return status;
}

/// The exit status of a run; failures are told. Only memory that is missing while something is told comes out of here.
int run_and_tell(int argc, char** argv, const cnn_program& program) {
  try {
    return run(argc, argv, program);
  } catch (const Failure& failure) {
    print_diagnostic(failure.status == kInternalError ? "internal error" : "error", failure.what(), failure.help);
    return failure.status;
  } catch (const formats::FormatError& error) {
    print_diagnostic("error", error.what());
    return kBadInput;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    print_diagnostic("internal error", error.what());
    return kInternalError;
  }
}

}  // namespace
}  // namespace cnnc::runtime

int cnn_main(int argc, char** argv, const cnn_program* program) {
  using namespace cnnc::runtime;
  try {
    return run_and_tell(argc, argv, *program);
  } catch (const std::bad_alloc&) {
    print_out_of_memory();
    return kBadInput;
  }
}

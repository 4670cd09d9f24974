// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compile options → a folder. Each stage is made anew in a guarded process: those that fail leave no text.
#include "driver/defect_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "driver/artifacts.h"
#include "driver/exit_status.h"
#include "driver/guarded.h"
#include "driver/library_folder.h"
#include "driver/source_input.h"
#include "runtime/formats/whole_file.h"

namespace cnnc {
namespace {

namespace fs = std::filesystem;

/// A path that keeps its place relative to other files' paths and stays below the folder: "/nets/a.cnn" → "nets/a.cnn".
fs::path inside(const std::string& path) { return fs::absolute(path).lexically_normal().relative_path(); }

void write_source(const fs::path& folder, const std::string& path, const std::string& text) {
  const fs::path target = folder / "source" / inside(path);
  fs::create_directories(target.parent_path());
  formats::write_file(target.string(), text);
}

/// The files that the source imports, found by analysing it.
int write_imports(const CompileOptions& options, const fs::path& folder) {
  Compilation compilation(options);
  run_phases(compilation, Phase::Analysed, {});
  const std::string library = library_folder() + "/";
  for (int32_t i = 1; i < compilation.sources.size(); ++i) {
    const SourceFile& file = compilation.sources.file(i);
    if (!file.path.starts_with(library)) write_source(folder, file.path, file.text);
  }
  return kDone;
}

int write_stage(const CompileOptions& options, const Artifact& artifact, const std::string& path) {
  Compilation compilation(options);
  if (!run_phases(compilation, artifact.phase, {})) return kInputWrong;
  return artifact.write(compilation, path).empty() ? kDone : kInputWrong;
}

std::string script(const std::string& source, const std::vector<std::string>& arguments) {
  std::error_code error;
  const std::string compiler = fs::read_symlink("/proc/self/exe", error).string();
  std::string command = fmt::format("CNNC_CACHE= exec {} build {}", shell_quote(compiler), shell_quote(source));
  for (const std::string& argument : arguments) command += " " + shell_quote(argument);
  return fmt::format("#!/bin/sh\n# {}: a defect, with the files of this folder.\ncd \"$(dirname \"$0\")\" || exit 1\n{} -o result\n",
                     compiler_version(), command);
}

}  // namespace

std::string shell_quote(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string write_defect_folder(const CompileOptions& options, std::vector<std::string> arguments, int seconds) {
  // Standard input was read already, and is gone.
  if (options.file == "-") return {};
  const char* temporary = std::getenv("TMPDIR");
  std::string folder = std::string(temporary && *temporary ? temporary : "/tmp") + "/cnnc-defect-XXXXXX";
  if (!mkdtemp(folder.data())) return {};
  try {
    std::string error;
    if (const auto text = read_text(options.file, error)) write_source(folder, options.file, *text);
    try_guarded(seconds, [&] { return write_imports(options, folder); });
    for (const Artifact& artifact : all_artifacts())
      if (artifact.is_text && artifact.phase < Phase::Compiled)
        try_guarded(seconds, [&] { return write_stage(options, artifact, folder + "/stage" + std::string(artifact.suffix)); });
    formats::write_file(folder + "/reproduce", script("source/" + inside(options.file).string(), arguments));
    fs::permissions(folder + "/reproduce", fs::perms::owner_all);
  } catch (const std::exception&) {
    return {};
  }
  return folder;
}

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads imports and makes one table of names. An import's path is relative to the file that names it; a file that several
// others import is entered once.
#include "sema/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "support/limits.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace cnnc::sema {
namespace {

namespace fs = std::filesystem;

/// Of a path in a message; longer ones are no paths.
constexpr size_t kShownBytes = 300;
constexpr size_t kReadBytes = size_t{1} << 16;

/// The whole file, or why it could not be read.
std::optional<std::string> read_file(const fs::path& path, std::string& why) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return why = "there is no such file", std::nullopt;
  if (!fs::is_regular_file(status)) return why = "it is not a file", std::nullopt;
  if (fs::file_size(path, error) > limits::kMaximumSourceBytes || error) return why = "it is too large for a source file", std::nullopt;
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  // The system may say another size than what can be read, as for the files of /proc.
  while (stream && text.size() <= limits::kMaximumSourceBytes) {
    const size_t before = text.size();
    text.resize(before + kReadBytes);
    stream.read(text.data() + before, kReadBytes);
    text.resize(before + static_cast<size_t>(stream.gcount()));
  }
  if (text.size() > limits::kMaximumSourceBytes) return why = "it is too large for a source file", std::nullopt;
  if (!stream.eof()) return why = "it cannot be read", std::nullopt;
  return text;
}

std::string canonical_path(const fs::path& path) {
  std::error_code error;
  const fs::path result = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal().string() : result.string();
}

std::vector<std::string> library_names(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".cnn") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

const Symbol* Program::find(const std::string& name) const {
  const auto found = symbols_.find(name);
  return found == symbols_.end() ? nullptr : &found->second;
}

void Program::load(const ast::File& file) {
  if (file.source >= 0) open_.push_back(canonical_path(sources_->file(file.source).path));
  enter_items(file, {});
}

void Program::enter_items(const ast::File& file, SourceRange import) {
  const std::string path = file.source >= 0 ? sources_->file(file.source).path : std::string();
  for (const ast::Item& item : file.items) {
    if (const auto* definition = std::get_if<ast::Definition>(&item.kind)) {
      declare(definition->name, {definition, nullptr, definition->name.range, import});
      if (definition->kind == ast::DefinitionKind::Network && !import.valid()) networks_.push_back(definition);
    } else if (const auto* constant = std::get_if<ast::Constant>(&item.kind)) {
      declare(constant->name, {nullptr, constant, constant->name.range, import});
    } else if (const auto* train = std::get_if<ast::Train>(&item.kind)) {
      trains_.push_back(train);
    } else if (const auto* target = std::get_if<ast::Import>(&item.kind)) {
      enter_import(*target, path, import.valid() ? import : item.range);
    } else if (std::holds_alternative<ast::Test>(item.kind) && !import.valid()) {
      reporter_->error(DiagnosticKind::NotAvailable, item.range, "`test` blocks are not available yet")
          .help("leave the block out");
    }
  }
}

void Program::enter_import(const ast::Import& import, const std::string& importer, SourceRange outermost) {
  fs::path path;
  const std::string shown = abbreviate(import.target.text, kShownBytes);
  if (import.is_path) {
    path = fs::path(importer).parent_path() / import.target.text;
  } else {
    const std::vector<std::string> names = library_path_.empty() ? std::vector<std::string>{} : library_names(library_path_);
    if (std::find(names.begin(), names.end(), import.target.text) == names.end()) {
      Diagnostic& error = reporter_->error(DiagnosticKind::BadImport, import.target.range,
                                           fmt::format("the library has no `{}`", shown));
      if (const auto near = nearest(import.target.text, names)) error.help(fmt::format("did you mean `{}`?", *near));
      error.help(fmt::format("a file of your own is imported by its path: `import \"{}.cnn\"`", shown));
      return;
    }
    path = fs::path(library_path_) / (import.target.text + ".cnn");
  }
  const std::string key = canonical_path(path);
  if (std::find(open_.begin(), open_.end(), key) != open_.end()) {
    reporter_->error(DiagnosticKind::BadImport, import.target.range,
                     fmt::format("the import of `{}` goes round in a circle: it is being read already", shown))
        .help("move what both files need into a third one");
    return;
  }
  if (open_.size() > limits::kMaximumImportDepth) {
    reporter_->error(DiagnosticKind::LimitExceeded, import.target.range,
                     fmt::format("files that import each other are nested at most {} deep", limits::kMaximumImportDepth));
    return;
  }
  if (!done_.insert(key).second) return;
  std::string why;
  std::optional<std::string> text = read_file(path, why);
  if (!text) {
    reporter_->error(DiagnosticKind::BadImport, import.target.range, fmt::format("cannot import `{}`: {}", shown, why))
        .note(fmt::format("looked for `{}`", abbreviate(path.lexically_normal().string(), kShownBytes)));
    return;
  }
  const int32_t source = sources_->add(path.lexically_normal().string(), std::move(*text));
  imported_.push_back(parse_file(*sources_, source, *diagnostics_));
  open_.push_back(key);
  enter_items(imported_.back(), outermost);
  open_.pop_back();
}

void Program::declare(const ast::Name& name, Symbol symbol) {
  const auto [entry, is_new] = symbols_.emplace(name.text, symbol);
  if (is_new) return;
  const Symbol& other = entry->second;
  // Of the two, the one that stands in the main file is where the user can do something.
  const SourceRange import = symbol.import.valid() ? symbol.import : other.import;
  Diagnostic& error = reporter_->error(DiagnosticKind::NameClash, import.valid() ? import : symbol.range,
                                       import.valid() ? fmt::format("this import brings in a second `{}`", name.text)
                                                      : fmt::format("`{}` is defined twice", name.text));
  error.note("one is here", other.range);
  if (import.valid()) error.note("the other is here", symbol.range);
  if (symbol.import.valid() && other.import.valid() && symbol.import != other.import) error.note("the first one comes in here", other.import);
  error.help("give one of them another name");
}

}  // namespace cnnc::sema

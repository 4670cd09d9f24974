// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text → tokens → tokens whose brackets match → tokens with statement ends → AST, with the comments above items as their
// documentation.
#include "syntax/parser.h"

#include "support/check.h"
#include "syntax/token_stream.h"
#include "syntax/tree_builder.h"

namespace cnnc {
namespace {

/// The tokens of a text as the grammar wants them; comments go to `comments`.
std::vector<Token> prepare_tokens(const SourceManager& sources, int32_t file, Diagnostics& diagnostics, std::vector<ast::Comment>& comments) {
  TokenList scanned = scan(sources, file, diagnostics);
  comments = std::move(scanned.comments);
  std::vector<Token> matched = match_brackets(std::move(scanned.tokens), sources, diagnostics);
  return end_statements(std::move(matched), sources, diagnostics);
}

void run_parser(TokenStream& stream, TreeBuilder& builder) {
  grammar::Parser parser(builder, stream);
  const int status = parser.parse();
  CNNC_CHECK(status == 0 || builder.diagnostics().has_errors(), "a text that cannot be parsed was reported");
}

/// The text of a comment without `#` and the blank after it.
std::string_view comment_text(const ast::Comment& comment) {
  std::string_view text = comment.text;
  text.remove_prefix(1);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

/// Gives each item the comments that stand directly above it, without an empty line between.
void attach_documentation(ast::File& file, const SourceManager& sources) {
  const std::vector<ast::Comment>& comments = file.comments;
  size_t next = 0;
  for (ast::Item& item : file.items) {
    while (next < comments.size() && comments[next].range.begin < item.range.begin) ++next;
    uint32_t line = sources.position(file.source, item.range.begin).line;
    size_t first = next;
    while (first > 0 && comments[first - 1].own_line && sources.position(file.source, comments[first - 1].range.begin).line + 1 == line) {
      --line;
      --first;
    }
    for (size_t i = first; i < next; ++i) {
      if (i > first) item.documentation += '\n';
      item.documentation += comment_text(comments[i]);
    }
  }
}

}  // namespace

ast::File parse_file(const SourceManager& sources, int32_t file, Diagnostics& diagnostics) {
  TreeBuilder builder(sources, diagnostics);
  builder.file().source = file;
  std::vector<Token> tokens = prepare_tokens(sources, file, diagnostics, builder.file().comments);
  TokenStream stream(sources, std::move(tokens), Tokens::FILE_START, diagnostics);
  run_parser(stream, builder);
  ast::File result = std::move(builder.file());
  attach_documentation(result, sources);
  return result;
}

ast::ExprPtr parse_expression(const SourceManager& sources, int32_t file, Diagnostics& diagnostics) {
  const int errors_before = diagnostics.error_count();
  TreeBuilder builder(sources, diagnostics);
  std::vector<ast::Comment> comments;
  std::vector<Token> tokens = prepare_tokens(sources, file, diagnostics, comments);
  TokenStream stream(sources, std::move(tokens), Tokens::EXPRESSION_START, diagnostics);
  run_parser(stream, builder);
  if (diagnostics.error_count() > errors_before) return nullptr;
  return builder.take_expression();
}

}  // namespace cnnc

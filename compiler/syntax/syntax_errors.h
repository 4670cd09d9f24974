// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The words for a token that the parser did not expect. Tests: test/grammar, one for each mistake.
#pragma once
#include <vector>

#include "support/diagnostic.h"
#include "syntax/token_stream.h"

namespace cnnc {

/// Reports the token that was handed out last, with a help that looks at the tokens around it. `expected` are the tokens
/// that could have stood there.
void report_unexpected_token(const TokenStream& stream, const std::vector<TokenKind>& expected, Diagnostics& diagnostics);

}  // namespace cnnc

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Any bytes as a name: what the escapes give is valid UTF-8 without control characters, and stays as it is when escaped again.
#include "runtime/formats/text.h"
#include "target.h"

namespace cnnc::fuzz {

bool names(Bytes bytes) {
  using namespace formats;
  const std::string_view text = text_of(bytes);
  for (const std::string& escaped : {escape_terminal(text), escape_json(text), escape_csv(text), quote_name(text)}) {
    for (std::size_t position = 0; position < escaped.size();) {
      const std::optional<char32_t> c = decode_utf8(escaped, position);
      require(c.has_value() && *c >= 0x20 && *c != 0x7f, "UTF-8 without control characters");
    }
    require(escape_terminal(escaped) == escaped, "what is escaped stays as it is");
  }
  return true;
}

}  // namespace cnnc::fuzz

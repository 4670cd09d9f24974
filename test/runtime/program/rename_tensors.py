# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gives the tensors of a safetensors file the names of PyTorch's numbered modules: rename_tensors.py FROM TO."""
import json
import pathlib
import sys

text = pathlib.Path(sys.argv[1]).read_bytes()
size = int.from_bytes(text[:8], 'little')
header = json.loads(text[8:8 + size])
renamed = {name.replace('dense1.', '1.') if name == name.lower() and '.' in name else name: entry for name, entry in header.items()}
new = json.dumps(renamed).encode()
new += b' ' * (-len(new) % 8)
pathlib.Path(sys.argv[2]).write_bytes(len(new).to_bytes(8, 'little') + new + text[8 + size:])

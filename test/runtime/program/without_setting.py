# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a checkpoint as a version without a setting would have: without_setting.py CHECKPOINT SETTING OUTPUT."""
import json
import pathlib
import sys
import zlib

content = pathlib.Path(sys.argv[1]).read_bytes()
length = int.from_bytes(content[:8], 'little')
header, data = json.loads(content[8:8 + length]), content[8 + length:]


def printed():
    """The header as the runtime prints it."""
    return json.dumps(header, separators=(',', ':')).encode()


metadata = header['__metadata__']
del metadata['setting.' + sys.argv[2]], metadata['checksum']
metadata['checksum'] = f'crc32:{zlib.crc32(data, zlib.crc32(printed())):08x}'
header['__metadata__'] = dict(sorted(metadata.items()))
text = printed()
text += b' ' * (-len(text) % 8)
pathlib.Path(sys.argv[3]).write_bytes(len(text).to_bytes(8, 'little') + text + data)

# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Hostile names through every output: hostile_names.py CNNC CC FOLDER.

Everything that a command prints must be UTF-8 without control characters (line ends excepted) and without marks that turn or hide
text; no name may start a line of its own; JSON must give the names back; a C header must compile; no command may be run."""
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

import numpy

cnnc, cc, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
RUN = '$(touch pwned)`touch pwned`;touch pwned;'
HOSTILE = [
    'quote"back\\slash\'tick`', 'line\nINJECTED: error', 'return\rINJECTED', 'tab\tstop', 'escape\x1b[31mred\x1b]0;title\x07', 'turned\u202etxt.exe\u2066x',
    '*/ int injected; /*', '</script><script>alert(1)</script>', RUN, 'c1\x9b31m \u200bhidden\ufeff \U000e0041tag', 'x' * 10_000,
]
# Names of files are shorter, hold no slash, and may be no text at all.
FILES = [os.fsencode(name.replace('/', '|')[:60]) for name in HOSTILE] + [b'bytes\xff\xc3(', b'=1+1', b'-dash', b'@at']
UNSAFE = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]')
complaints = []


def check(content, where):
    """What is printed or written is harmless."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        complaints.append(f'{where}: {error}')
        return ''
    found = UNSAFE.search(text)
    if found:
        complaints.append(f'{where}: {found.group()!r} in {text[max(0, found.start() - 60):found.end() + 20]!r}')
    if re.search('^INJECTED', text, re.MULTILINE):
        complaints.append(f'{where}: a name begins a line')
    return text


def run(command, status=None, where=folder, stdin=b''):
    done = subprocess.run([os.fsencode(part) for part in command], cwd=where, input=stdin, capture_output=True, timeout=250)
    shown = ' '.join(repr(os.fsencode(part)[-40:])[2:-1] for part in command)
    check(done.stdout, f'standard output of {shown}')
    check(done.stderr, f'standard error of {shown}')
    if done.returncode in (70,) or done.returncode < 0 or (status is not None and done.returncode != status):
        complaints.append(f'{shown}: status {done.returncode}: {done.stderr.decode(errors="replace")[:300]}')
    return done


def spell(text):
    """As a string of the language; what has no escape stands as it is."""
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n').replace('\t', '\\t') + '"'


# Strings of the language hold no control characters but \n and \t.
CLASSES = [re.sub('[\x00-\x08\x0b-\x1f\x7f]', '', name) for name in HOSTILE]
NETWORK = '''network hostile(image: [1, 2, 2]) {{ image -> flatten -> dense({count}) }}
train hostile {{ classes = [{classes}]; data = arrays({data}, {labels}); epochs = 1; batch = 4 }}
'''


def network(classes, data=('x.npy', 'y.npy')):
    return NETWORK.format(count=len(classes), classes=', '.join(map(spell, classes)), data=spell(data[0]), labels=spell(data[1]))


def hostile_sources():
    """Errors and warnings about names, each in every place where a name can stand."""
    for i, name in enumerate(HOSTILE):
        for j, text in enumerate([f'network {name}(x: [1]) {{ x }}', f'import {spell(name)}', f'network n(x: [1]) {{ x -> {spell(name)} }}',
                                  f'network n(x: [1]) {{ x -> layer({name}: 3) }}', f'# {name}\nnetwork n(x: [1]) {{ y }}  # {name}',
                                  f'network n(x: [1]) {{ x }}\ntrain n {{ data = idx({spell(name)}, 3); optimizer = {name} }}',
                                  f'network n(x: [1, 2, 2]) {{ x -> flatten -> dense(2) }}\ntrain n {{ weights = {spell(name)}; classes = [{spell(name)}, {spell(name)}] }}']):
            file = folder / f'source{i}_{j}.cnn'
            file.write_bytes(text.encode())
            run([cnnc, 'check', file])
    for kind in ('ast', 'network-ir'):
        run([cnnc, 'build', '--emit=' + kind, '-'], stdin=network(CLASSES).encode(), status=0)


def hostile_graphs():
    """Names in the text of a graph: printed as they were read."""
    source = folder / 'plain.cnn'
    source.write_text(network(['a', 'b']))
    plain = run([cnnc, 'build', '--emit=network-ir', source], status=0).stdout.decode()
    for i, name in enumerate(HOSTILE[:10]):
        quoted = '"' + ''.join(f'\\x{byte:02x}' if byte < 32 or byte > 126 or byte in b'"\\' else chr(byte) for byte in name.encode()) + '"'
        text = plain.replace('dense1.weight', quoted).replace('dense1.bias', quoted[:-1] + '.bias"').replace('module hostile', f'module {quoted}')
        first = run([cnnc, 'opt', '-'], stdin=text.encode(), status=0)
        again = run([cnnc, 'opt', '-'], stdin=first.stdout, status=0)
        if first.stdout != again.stdout or quoted.count('\\x1b') != first.stdout.split(b'\n')[0].count(b'\\x1b'):
            complaints.append(f'graph {i}: printed and read again it is another')
    for name in HOSTILE:
        run([cnnc, 'opt', '-', '--passes=' + name.replace(',', '')], stdin=plain.encode())
        run([cnnc, 'opt', '-'], stdin=plain.replace('dense1.weight', name).encode())


def hostile_arguments(program, where):
    for name in [*map(os.fsencode, HOSTILE), *FILES]:
        name = name.replace(b'\0', b'')
        for command in ([cnnc, name], [cnnc, 'check', name], [cnnc, 'build', b'--' + name], [cnnc, 'build', '--emit=' + os.fsdecode(name), 'x.cnn'],
                        [cnnc, 'summary', 'plain.cnn', '-D', name], [cnnc, 'summary', 'plain.cnn', '--network', name], [cnnc, 'ops', name], [cnnc, 'new', b'./no/' + name],
                        [cnnc, 'build', folder / 'plain.cnn', '--emit=ast', '-o', b'no/' + name], [cnnc, 'build', folder / 'plain.cnn', '--target', name],
                        [cnnc, 'build', folder / 'plain.cnn', '--schedule', name], [cnnc, 'build', folder / 'plain.cnn', '--weights', name, '-o', 'x'],
                        [program, name], [program, 'train', b'--' + name], [program, 'info', name], [program, 'train', '--data', name], [program, 'train', '--set', name],
                        [program, 'train', '--set', b'batch=' + name], [program, 'train', '--set', b'data=' + name], [program, 'train', '--batch', name],
                        [program, 'train', '--resume', name], [program, 'eval', '--weights', name], [program, 'predict', b'./' + name, '--weights', 'w'],
                        [program, 'predict', '--weights', 'w', '--input', name], [program, 'train', '--recipe', name], [program, 'predict', 'x.npy', '--weights', 'w', '--output', name]):
            run(command, where=where)


def safetensors(tensors, metadata):
    header, data = {'__metadata__': metadata}, b''
    for name, shape in tensors.items():
        content = bytes(4 * int(numpy.prod(shape)))
        header[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + data


def hostile_weights(program, where, count):
    for name in HOSTILE:
        for tensors in ({name: [2]}, {'hostile/' + name: [2], name + '.weight': [count, 4]}, {'dense1.weight': [count, 4], 'dense1.bias': [count], name: [2]}):
            (where / 'hostile.safetensors').write_bytes(safetensors(tensors, {name: name, 'format': name, 'network': name}))
            run([program, 'eval', '--weights', 'hostile.safetensors'], where=where, status=1)
            run([cnnc, 'build', folder / 'plain.cnn', '--weights', where / 'hostile.safetensors', '-o', 'x'], where=where, status=1)
        (where / 'hostile.safetensors').write_bytes(safetensors({'dense1.weight': [count, 4], 'dense1.bias': [count]}, {name: name, 'format': name, 'network': name, 'step': name}))
        run([program, 'train', '--resume', 'hostile.safetensors'], where=where, status=1)


def make_data(where):
    numpy.save(where / 'x.npy', numpy.linspace(0, 1, 9 * 4, dtype='f4').reshape(9, 1, 2, 2))
    numpy.save(where / 'y.npy', numpy.arange(9))


def same_names(given, classes, where):
    if [entry['name'] for entry in given] != classes:
        complaints.append(f'{where}: the JSON has other names: {[entry["name"][:60] for entry in given]}')


def use_program(program, where):
    """Everything that a program with hostile classes prints, its own name and its files hostile too."""
    make_data(where)
    for command in ([program], [program, '--help'], [program, '--version'], [program, 'train', '--help'], [program, 'info'], [program, 'info', '--json'], [program, 'bench', '--json'],
                    [program, 'check-data']):
        run(command, where=where)
    json.loads(run([program, 'info', '--json'], where=where, status=0).stdout)
    for name in FILES:
        run([program, 'train', '--save', b'./w' + name, '--checkpoint', b'./c' + name, '--log', b'./l' + name], where=where, status=0)
        check((where / os.fsdecode(b'l' + name)).read_bytes(), f'log {name}')
        run([program, 'train', '--resume', b'./c' + name, '--batch', '2'], where=where, status=1)
        os.rename(where / 'x.npy', where / os.fsdecode(b'x' + name + b'.npy'))
        done = run([program, 'predict', '--weights', b'./w' + name, b'./x' + name + b'.npy', '--json'], where=where, status=0)
        entries = json.loads(done.stdout)
        expected = os.fsdecode(b'./x' + name + b'.npy[0]')
        if entries[0]['file'] != expected.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace'):
            complaints.append(f'predict --json: another name of a file: {entries[0]["file"]!r}')
        run([program, 'predict', '--weights', b'./w' + name, b'./x' + name + b'.npy'], where=where, status=0)
        os.rename(where / os.fsdecode(b'x' + name + b'.npy'), where / 'x.npy')
    run([program, 'eval', '--weights', b'w' + FILES[0]], where=where, status=0)
    run([program, 'train', '--rate', '1e38', '--epochs', '3'], where=where, status=1)
    return json.loads(run([program, 'eval', '--weights', b'w' + FILES[0], '--json'], where=where, status=0).stdout)['classes']


def hostile_program():
    """A file and a folder with hostile names, a program with hostile classes and a hostile name."""
    where = folder / os.fsdecode(FILES[4] + FILES[1])
    where.mkdir()
    source = where / os.fsdecode(FILES[0] + b'.cnn')
    source.write_text(network(CLASSES))
    run([cnnc, 'fmt', '--check', source])
    run([cnnc, 'summary', source], status=0)
    run([cnnc, 'summary', '--weights', source], status=0)
    for kind in ('ir', 'train-ir', 'kernels', 'stmt', 'llvm', 'asm'):
        run([cnnc, 'build', source, '--emit=' + kind], status=0)
    for name in FILES:
        run([cnnc, 'build', source, '-o', name], where=where, status=0)
        if not (where / os.fsdecode(name)).is_file():
            complaints.append(f'no program {name!r}')
    program = where / os.fsdecode(FILES[5])
    same_names(use_program(program, where), CLASSES, 'eval --json')
    hostile_arguments(program, where)
    hostile_weights(program, where, len(CLASSES))
    run([cnnc, 'build', source, '--emit=obj', '-o', FILES[6] + b'.o'], where=where, status=0)
    header = where / os.fsdecode(FILES[6] + b'.h')
    check(header.read_bytes(), 'C header')
    for language in (['-x', 'c', '-std=c99'], ['-x', 'c++', '-std=c++17']):
        run([cc, *language, '-Wall', '-Wextra', '-pedantic', '-Werror', '-fsyntax-only', header], status=0)
    for path in folder.rglob('pwned'):
        complaints.append(f'a name was run as a command: {path}')


try:
    hostile_sources()
    hostile_graphs()
    hostile_program()
except (OSError, ValueError, KeyError) as error:
    complaints.append(f'the test cannot go on: {error}')
for complaint in complaints[:25]:
    print(complaint[:600])
if complaints:
    sys.exit(f'{len(complaints)} complaints')
print('all names are harmless')

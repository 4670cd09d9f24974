# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gives hostile inputs to `cnnc check` and `cnnc opt` under limits of time, memory and stack.

usage: attack.py CNNC FOLDER     FOLDER is for the inputs
Each must end by itself with the expected exit status and message, and print little, without control characters. Prints a line for
each; the exit status is 1 if one did not.
"""
import os
import pathlib
import re
import resource
import subprocess
import sys

SECONDS = 30                # of the processor; nothing here should take more than one or two
ADDRESS_SPACE = 2 << 30     # bytes; the compiler's libraries take half a gigabyte of it
STACK = 8 << 20
MOST_OUTPUT = 200_000       # bytes
# Sanitizers reserve terabytes of address space, and slow everything down.
SANITIZED = 'ASAN_OPTIONS' in os.environ

ONE_NETWORK = 'network n(image: [1, 8, 8]) { image -> relu }\n'


def attacks():
    """(name, files by name, status, what standard error must match); the first file is checked."""
    network = 'network n(image: [1, 8, 8]) {{ image -> {} }}\n'.format
    deep = 10 ** 5
    yield 'brackets', 'const a = ' + '(' * deep + '1' + ')' * deep, 1, r'brackets are nested at most 500 deep \[limit-exceeded\]'
    yield 'brackets without end', 'const a = ' + '[' * deep, 1, r'nested at most 500 deep'
    yield 'calls', network('f(' * deep + 'x' + ')' * deep), 1, r'nested at most 500 deep'
    yield 'signs', 'const a = ' + '- ' * deep + '1', 1, r'an expression is nested at most 500 deep'
    yield 'sum', 'const a = 1' + ' + 1' * deep, 1, r'an expression is nested at most 500 deep'
    yield 'repeat', network('repeat(10 ^ 9) relu'), 1, r'`repeat` does at most 1000000 rounds'
    yield 'repeat of repeat', network('repeat(1000) ' * 20 + 'relu'), 1, r'takes more than 5000000 steps'
    yield 'name of 1 MB', 'const ' + 'a' * (1 << 20) + ' = 1\n', 1, r'a name has at most 200 letters, this one has 1048576'
    yield 'number of 1 MB', network('relu').replace('8,', '1' * (1 << 20) + ',', 1), 1, r'error: '
    yield 'string of 1 MB', 'import "' + 'x' * (1 << 20) + '"\n' + ONE_NETWORK, 1, r'cannot import'
    yield 'setting of 1 MB', ONE_NETWORK + 'train n { data = idx("' + 'x' * (1 << 20) + '") loss = mse optimizer = ' + 'y' * 199 + ' }\n', 1, r'error: '
    yield 'comment of 1 MB', '# ' + 'x' * (1 << 20) + '\n' + ONE_NETWORK, 0, r'^$'
    yield 'line of 1 MB with an error', ' ' * (1 << 20) + '?' + ' ' * (1 << 20), 1, r'error: '
    yield 'NUL', b'network n(image: [1, 8, 8]) { image -> re\0lu }\n', 1, r'error: .*\[bad-character\]'
    yield 'NULs alone', b'\0' * 100_000, 1, r'error: '
    yield 'bad UTF-8', b'network n(image: [1, 8, 8]) { image -> re\xfflu }\n', 1, r'error: .*\[bad-character\]'
    yield 'UTF-16', ONE_NETWORK.encode('utf-16'), 1, r'error: '
    yield 'overlong UTF-8', b'# \xc0\xaf\n' + ONE_NETWORK.encode(), 1, r'not UTF-8'
    yield 'terminal codes', b'const \x1b[31m = 1\n# \xe2\x80\xae\n' + ONE_NETWORK.encode(), 1, r'error: '
    for size in ('2147483647', '2147483648', '4294967296', '9223372036854775807', '9223372036854775808', '18446744073709551616', '1e300', '1e999'):
        yield f'input of {size}', f'network n(image: [1, {size}, {size}]) {{ image -> relu }}\n', 1, r'\[(limit-exceeded|bad-number)\]|too large'
        yield f'dense of {size}', network(f'flatten -> dense({size})'), 1, r'error: '
        yield f'conv of {size}', network(f'conv({size}, kernel: {size}, stride: {size}, pad: {size}, dilation: {size})'), 1, r'error: '
        yield f'table of {size}', f'const a = zeros([{size}, {size}])\nnetwork n(image: [1, 8, 8]) {{ image -> filter(a) }}\n', 1, r'error: '
    yield 'mutually recursive blocks', 'block a(x) { x -> b }\nblock b(x) { x -> a }\n' + network('a'), 1, r'without an end|too deep|more than'
    yield 'doubly recursive block', 'block a(x) { x -> a -> a }\n' + network('a'), 1, r'without an end|too deep|more than'
    yield 'constants of each other', 'const a = b\nconst b = a\n' + network('leaky_relu(a)'), 1, r'error: '
    yield 'doubling lists', 'const a0 = [1, 1]\n' + ''.join(f'const a{i + 1} = [a{i}, a{i}]\n' for i in range(60)) + network('filter(a60)'), 1, r'error: '
    yield 'doubling tensors', 'block d(x) { x + x }\n' + network('d -> ' * 300 + 'd'), 0, r'^$'
    long = 'a' * 180
    yield 'long names of deep scopes', ('block z(x) { x -> conv(1, kernel: 1) }\n' +
                                        ''.join(f'block {long}{i}(x) {{ x -> {long + str(i - 1) if i else "z"} }}\n' for i in range(200)) +
                                        network(f'repeat(5000) {long}199')), 1, r'takes more than 5000000 steps'
    yield 'networks at the limit', ''.join(f'network n{i}(image: [1, 8, 8]) {{ image -> repeat(900000) relu }}\n' for i in range(20)), 1, r'takes more than 5000000 steps'
    yield 'input of 100,000 dimensions', 'network n(image: [' + '1, ' * 100_000 + '1]) { image -> relu }\n', 1, r'a tensor has at most 16 dimensions'
    yield 'reshape to 100,000 dimensions', network('reshape([' + '1, ' * 100_000 + '64])'), 1, r'the limit is 16'
    yield '10,000 layers', network('relu -> ' * 9_999 + 'relu'), 0, r'^$'
    yield '10,000 convolutions', network('repeat(10000) conv(1, kernel: 3, pad: same)'), 0, r'^$'
    yield '10,000 blocks', ''.join(f'block b{i}(x) {{ x -> relu }}\n' for i in range(10_000)) + ONE_NETWORK, 0, r''
    yield '10,000 errors', 'network n(image: [1, 8, 8]) {\n' + ''.join(f'    a{i} = nothing{i}(image)\n' for i in range(10_000)) + '    image\n}\n', 1, r'errors'
    yield '10,000 names like others', (''.join(f'block block_number_{i}(x) {{ x }}\n' for i in range(10_000)) + 'network n(image: [1, 8, 8]) {\n' +
                                       ''.join(f'    y{i} = blok_numbr_{i}x(image)\n' for i in range(10_000)) + '    image\n}\n'), 1, r'errors'
    yield '5,000 results like others', ('block p(x) { return ' + ', '.join(f'field_{i}: x' for i in range(5000)) + ' }\nnetwork n(image: [1, 8, 8]) {\n    q = p(image)\n' +
                                        ''.join(f'    y{i} = q.fild_{i}x\n' for i in range(5000)) + '    image\n}\n'), 1, r'errors'
    yield 'long string many times', 'block b(x, k) { x }\n' + network('repeat(100000) b("' + 'y' * 100_000 + '")'), 1, r'takes more than 5000000 steps'
    yield '10,000 syntax errors', '? = ;\n' * 10_000, 1, r'errors'
    yield 'empty file', '', 1, r'the file has no network|is empty|nothing'


def graph_attacks():
    """The same for the text of a graph, which `cnnc opt` reads."""
    def graph(lines, argument='f32[N, 1, 8, 8]'):
        return f'module n\ninput x : {argument}\nfunction network {{\n  argument input %x : {argument}\n{lines}}}\n'
    deep = 10 ** 5
    for name, expression in (('brackets', '(' * deep + 'x0' + ')' * deep), ('signs', '-' * deep + 'x0'), ('powers', 'x0' + ' ^ x0' * deep),
                             ('functions', 'abs(' * deep + 'x0' + ')' * deep), ('sum', 'x0' + ' + x0' * deep)):
        yield f'expression of {name}', graph(f'  %0 = map(%x) {{f = f"{expression}"}} : f32[N, 1, 8, 8]\n  result output output = %0\n'), 1, r'error: the expression|error: .*more than'
    for size in (2 ** 31, 2 ** 32, 2 ** 63 - 1, 2 ** 63, 2 ** 64, -1):
        yield f'graph with input of {size}', graph('  result output output = %x\n', f'f32[N, {size}, {size}]'), 1, r'error: '
        yield f'graph with constant of {size}', graph(f'  %0 = constant() {{dims = [{size}, {size}], element = "f32", values = {{0}}}} : f32[1]\n'), 1, r'error: '
        yield f'graph with pads of {size}', graph('  %0 = constant() {dims = [1, 1, 1, 1], element = "f32", values = {1}} : f32[1, 1, 1, 1]\n'
                                                  f'  %1 = conv(%x, %0, none) {{dilation = [{size}, {size}], flip = false, groups = {size}, pad = [{size}, {size}, {size}, {size}], '
                                                  f'stride = [{size}, {size}]}} : f32[N, 1, 8, 8]\n'), 1, r'error: '
    yield 'graph of 10,000 nodes', graph(''.join(f'  %{i} = map({"%x" if i == 0 else f"%{i - 1}"}) {{f = f"-x0"}} : f32[N, 1, 8, 8]\n' for i in range(10_000)) +
                                         '  result output output = %9999\n'), 0, r'^$'
    yield 'graph with 10,000 errors', 'module n\n' + ''.join(f'function f{i} {{\n  result output output = %0\n}}\n' for i in range(10_000)), 1, r'error: '
    yield 'graph with a name of 1 MB', 'module ' + 'a' * (1 << 20) + '\n?', 1, r'error: '
    yield 'graph with NUL', b'module n\n\0function f {\n}\n', 1, r'error: '
    yield 'graph that is not UTF-8', b'module \xff\xfe\n', 1, r'error: '
    yield 'empty graph', '', 0, r'^$'


def file_attacks(folder):
    """(name, argument, status, pattern): what is no text file, and imports."""
    yield 'folder', folder, 1, r'it is a folder'
    (folder / 'a.cnn').write_text('import "b.cnn"\n' + ONE_NETWORK)
    (folder / 'b.cnn').write_text('import "c.cnn"\n')
    (folder / 'c.cnn').write_text('import "b.cnn"\nimport "a.cnn"\n')
    yield 'import cycle', folder / 'a.cnn', 1, r'goes round in a circle'
    for i in range(5000):
        (folder / f'chain{i}.cnn').write_text(f'import "chain{i + 1}.cnn"\n' + (ONE_NETWORK if i == 0 else ''))
    (folder / 'chain5000.cnn').write_text('block end(x) { x }\n')
    yield 'chain of 5,000 imports', folder / 'chain0.cnn', 1, r'files that import each other are nested at most 100 deep'
    for name, target in (('device', '/dev/zero'), ('endless', '/dev/urandom'), ('folder', '.'), ('memory', '/proc/self/mem')):
        path = folder / f'import_{name}.cnn'
        path.write_text(f'import "{target}"\n' + ONE_NETWORK)
        yield f'import of {target}', path, 1, r'cannot import'
    os.mkfifo(folder / 'pipe.cnn')
    (folder / 'import_pipe.cnn').write_text('import "pipe.cnn"\n' + ONE_NETWORK)
    yield 'import of a pipe', folder / 'import_pipe.cnn', 1, r'it is not a file'
    yield 'endless device', '/dev/zero', 1, r'a source file has at most 16 MB'


def limit():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if SANITIZED:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_STACK, (STACK, STACK))


def problem(cnnc, command, argument, status, pattern):
    """What is wrong with the compiler's answer, or nothing."""
    try:
        done = subprocess.run([cnnc, command, argument], capture_output=True, stdin=subprocess.DEVNULL, preexec_fn=limit, timeout=10 * SECONDS)
    except subprocess.TimeoutExpired:
        return 'does not end'
    text = done.stderr.decode('utf-8', errors='replace')
    if done.returncode != status:
        return f'status {done.returncode}, expected {status}: {text[:500]!r}'
    if not re.search(pattern, text):
        return f'the message does not match {pattern}: {text[:500]!r}'
    if len(done.stderr) > MOST_OUTPUT:
        return f'prints {len(done.stderr)} bytes'
    odd = re.search('[^\n -~\u00a0-\u200d\u2010-\u2027\u2030-\u205f\u2070-\uffff]', text)
    if odd or '\ufffd' in text:
        return f'prints a control character: {text[max(0, (odd or re.search(chr(0xfffd), text)).start() - 40):][:80]!r}'
    return ''


def main():
    cnnc, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    cases = []
    for command, given in (('check', attacks()), ('opt', graph_attacks())):
        for i, (name, text, status, pattern) in enumerate(given):
            path = folder / f'{command}{i}'
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            cases.append((name, command, path, status, pattern))
    cases += [(name, 'check', *rest) for name, *rest in file_attacks(folder)]
    failed = 0
    for name, *case in cases:
        what = problem(cnnc, *case)
        failed += bool(what)
        print(f'{name}: {what or "ok"}')
    print(f'{len(cases)} inputs, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())

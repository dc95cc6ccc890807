#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_files.py OUT.c HEADER SYMBOL IN...: files as const struct embedded_file SYMBOL[] (name, text, len; NULL-ended), sorted by name."""
import pathlib
import sys

out, header, symbol, *files = sys.argv[1:]
rows, arrays = [], []
for i, path in enumerate(sorted(map(pathlib.Path, files), key=lambda path: path.name)):
    data = path.read_bytes()
    lines = [",".join(map(str, data[at:at + 32])) + "," for at in range(0, len(data), 32)]
    arrays.append(f"static const unsigned char file_{i}[] = {{\n" + "\n".join(lines) + "\n0};\n")
    rows.append(f'    {{"{path.name}", (const char *)file_{i}, sizeof file_{i} - 1}},')
pathlib.Path(out).write_text(
    "/* SPDX-License-Identifier: Apache-2.0\n * Made by tools/embed_files.py; do not edit. */\n"
    f'#include "{header}"\n\n' + "\n".join(arrays) + f"\nconst struct embedded_file {symbol}[] = {{\n" + "\n".join(rows) +
    "\n    {0},\n};\n")

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_prices.py OUT.c IN.json...: the price files as one JSON array inside the library (genops_prices_shipped)."""
import json
import pathlib
import sys

out, *files = sys.argv[1:]
texts = [pathlib.Path(name).read_text().strip() for name in sorted(files)]
for text in texts:
    json.loads(text)
data = ("[" + ",\n".join(texts) + "]").encode()
lines = [",".join(map(str, data[i:i + 32])) + "," for i in range(0, len(data), 32)]
pathlib.Path(out).write_text(
    "/* SPDX-License-Identifier: Apache-2.0\n * Made by tools/embed_prices.py from data/prices; do not edit. */\n"
    "#include \"govern/prices.h\"\n\nstatic const unsigned char bytes[] = {\n" + "\n".join(lines) + "\n};\n\n"
    "genops_str genops_prices_shipped(void)\n{\n\treturn (genops_str){(const char *)bytes, sizeof bytes};\n}\n")

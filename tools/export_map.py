#!/usr/bin/env python3
"""Writes src/libgenops.map from the functions that include/genops/ declares with GENOPS_API; --check only compares."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DECLARED = re.compile(r"GENOPS_API\b[^;{]*?\b(genops_\w+)\s*\(", re.S)


def text():
    names = set()
    for header in (ROOT / "include" / "genops").glob("*.h"):
        names |= set(DECLARED.findall(re.sub(r"/\*.*?\*/|^#.*?$", "", header.read_text(), flags=re.S | re.M)))
    lines = "".join(f"\t{name};\n" for name in sorted(names))
    return ("/* What libgenops exports: the functions that include/genops/ declares with GENOPS_API.\n"
            " * Written by tools/export_map.py; a test compares the two. */\n"
            "LIBGENOPS_0 {\nglobal:\n" + lines + "local:\n\t*;\n};\n")


def main():
    path = ROOT / "src" / "libgenops.map"
    if "--check" in sys.argv:
        if path.read_text() != text():
            print("src/libgenops.map differs from the headers: run tools/export_map.py")
            return 1
        return 0
    path.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())

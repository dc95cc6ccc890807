#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""headers_check.py LIBRARY: what include/genops promises to whoever compiles against it.

Each header compiles alone, as C11 and as C++17, without a warning; the library exports exactly what the headers declare (besides
the version's own symbol). A compiler for C++ that is not there is told, not a failure.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import export_map

ROOT = pathlib.Path(__file__).resolve().parent.parent
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def check_headers():
    faults = []
    compilers = [(os.environ.get("CC", "cc"), "c11", "c"), (os.environ.get("CXX", "c++"), "c++17", "cc")]
    for compiler, standard, ending in compilers:
        if not shutil.which(compiler.split()[0]):
            print(f"{compiler} is not there: {standard} was not checked")
            continue
        for header in sorted((ROOT / "include" / "genops").glob("*.h")):
            with tempfile.TemporaryDirectory() as folder:
                source = pathlib.Path(folder, "alone." + ending)
                # Twice: a second inclusion must change nothing.
                source.write_text(f"#include <genops/{header.name}>\n" * 2 + "int main(void);\nint main(void) { return 0; }\n")
                done = subprocess.run(
                    [*compiler.split(), f"-std={standard}", *WARNINGS, "-I", str(ROOT / "include"), "-fsyntax-only", str(source)],
                    capture_output=True, text=True)
                if done.returncode:
                    faults.append(f"{header.name} as {standard}:\n{done.stderr}")
    return faults


def check_symbols(library):
    told = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1].split("@")[0] for line in told.splitlines() if line.split()[-2] != "A"}
    declared = {line.strip(" \t;") for line in export_map.text().splitlines() if line.strip().startswith("genops_")}
    return ([f"{name} is declared and not exported" for name in sorted(declared - exported)] +
            [f"{name} is exported and not declared" for name in sorted(exported - declared)])


def main():
    faults = check_headers() + check_symbols(sys.argv[1])
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

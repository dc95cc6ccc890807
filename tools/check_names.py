#!/usr/bin/env python3
"""The name is the address: an exported function genops_<noun>_<verb> of src/ lives in a file whose name the function carries.

A file may also define functions of the noun that its folder or the part before its last underscore names
(exchange_response.c: genops_exchange_...)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFINITION = re.compile(r"^(?!static|typedef|#|\s)[A-Za-z_][\w \t\*]*?\b(genops_\w+)\s*\([^;{]*\)\s*\{", re.M | re.S)


def nouns(path):
    """All prefixes of the file's name, and its folder's (and their singulars)."""
    parts = path.stem.split("_")
    names = {"_".join(parts[: i + 1]) for i in range(len(parts))}
    names |= {"_".join(parts[i:]) for i in range(len(parts))}
    for folder in path.relative_to(ROOT / "src").parts[:-1]:
        names.add(folder)
    names |= {name[:-1] for name in list(names) if name.endswith("s")}
    names |= {name[:-3] + "y" for name in list(names) if name.endswith("ies")}
    names |= {name[:-1] + "ies" for name in list(names) if name.endswith("y")}
    return names


def main():
    exceptions = {}
    listing = ROOT / "tools" / "exceptions.txt"
    for line in listing.read_text().splitlines() if listing.exists() else []:
        if line.startswith("name "):
            _, where, _reason = line.split(" ", 2)
            exceptions[where] = True
    bad = 0
    for path in sorted((ROOT / "src").rglob("*.c")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for name in DEFINITION.findall(text):
            rest = name[len("genops_"):]
            if any(rest == noun or rest.startswith(noun + "_") for noun in nouns(path)):
                continue
            if name in exceptions:
                continue
            print(f"{path.relative_to(ROOT)}: {name} cannot be found by its name")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

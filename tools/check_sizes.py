#!/usr/bin/env python3
"""Files fit in a head (500 lines), functions on a screen (60), folders in a glance (15 files). Exceptions: tools/exceptions.txt,
one line each with its reason; it may only get shorter."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_MAX, FUNCTION_MAX, FOLDER_MAX = 500, 60, 15


def functions(text):
    """(name, length) of each function; the house's style opens and closes them at column 0."""
    start = name = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield name, number - start + 1
            start = None
        elif line and not line[0].isspace() and "(" in line and not line.startswith(("#", "/*", " *")):
            match = re.search(r"\b(\w+)\(", line)
            name = match.group(1) if match else name


def main():
    excused = set()
    listing = ROOT / "tools" / "exceptions.txt"
    for line in listing.read_text().splitlines() if listing.exists() else []:
        if line.startswith("size "):
            excused.add(line.split(" ", 2)[1])
    found, used = [], set()

    def report(where, text):
        if where in excused:
            used.add(where)
        else:
            found.append(f"{where}: {text}")

    for top in ("include", "src", "nginx", "cli"):
        folders = {}
        for path in sorted((ROOT / top).rglob("*.[ch]")):
            where = str(path.relative_to(ROOT))
            text = path.read_text()
            lines = text.count("\n")
            folders.setdefault(path.parent, []).append(path)
            if lines > FILE_MAX:
                report(where, f"{lines} lines (at most {FILE_MAX})")
            for name, length in functions(text):
                if length > FUNCTION_MAX:
                    report(f"{where}:{name}", f"{length} lines (at most {FUNCTION_MAX})")
        for folder, files in folders.items():
            units = len({path.stem for path in files})
            if units > FOLDER_MAX:
                report(str(folder.relative_to(ROOT)), f"{units} units (at most {FOLDER_MAX})")
    for where in sorted(excused - used):
        found.append(f"tools/exceptions.txt: {where} needs no exception any more")
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

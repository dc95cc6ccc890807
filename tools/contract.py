#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Contract rows and the tests that name them.

A test names the rows it proves in a comment or docstring: "proves COL-133, CORE-016..019"; "COL-135 in part" and "part of COL-135"
count as partly proved. Rows come from ../shared/contract.md where it is, with what each promises; else their ids come from
tests/contract_rows.txt.

  tools/contract.py             rows that no test names, and counts
  tools/contract.py COL WDB     only these parts
  tools/contract.py --counts    only the counts
  tools/contract.py --write     tests/contract_rows.txt from contract.md

Ends with 1 if a test names a row that does not exist."""
import pathlib
import re
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTRACT = ROOT.parent / "shared" / "contract.md"
IDS = ROOT / "tests" / "contract_rows.txt"
PARTS = "CORE|OTL|TRL|WDB|COL|CRB"
ROW = re.compile(rf"^\| ((?:{PARTS})-\d{{3}}) \| ([^|]*)", re.M)
CLAIM = re.compile(r"\bproves?\b(.*?)(?:\*/|\"\"\"|\n\s*\n|\n\s*\*\s*\n)", re.I | re.S)
NAMED = re.compile(rf"(part\s+of\s+)?\b({PARTS})-(\d{{3}})(?:\.\.(?:(?:{PARTS})-)?(\d{{3}}))?(\s+in\s+part)?", re.I)


def rows():
    if CONTRACT.exists():
        return {row: " ".join(text.split()) for row, text in ROW.findall(CONTRACT.read_text())}
    return {row: "" for row in IDS.read_text().split()}


def claims():
    """row -> {file: is it proved whole}"""
    found = {}
    for path in sorted((ROOT / "tests").rglob("*")):
        if path.suffix not in (".c", ".h", ".py", ".js", ".sh") or "node_modules" in path.parts:
            continue
        text = re.sub(r"\n\s*(\*|#|//)(?!/) ?", "\n ", path.read_text(errors="replace"))
        for claim in CLAIM.findall(text + "\n\n"):
            for part_of, part, first, last, in_part in NAMED.findall(claim):
                for number in range(int(first), int(last or first) + 1):
                    row, where = f"{part.upper()}-{number:03}", str(path.relative_to(ROOT))
                    files = found.setdefault(row, {})
                    files[where] = files.get(where, False) or not (part_of or in_part)
    return found


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    known, named = rows(), claims()
    if "--write" in sys.argv:
        IDS.write_text("\n".join(sorted(known)) + "\n")
        return 0
    chosen = [arg for arg in sys.argv[1:] if not arg.startswith("-")] or PARTS.split("|")
    if "--counts" not in sys.argv:
        for row, text in sorted(known.items()):
            if row not in named and row.split("-")[0] in chosen:
                print(f"{row}  {text[:150]}".rstrip())
        print()
    print(f"{'part':6} {'rows':>5} {'proved':>7} {'in part':>8} {'no test':>8}")
    total = [0, 0, 0, 0]
    for part in chosen:
        mine = [row for row in known if row.startswith(part + "-")]
        whole = sum(any(named[row].values()) for row in mine if row in named)
        partly = sum(row in named for row in mine) - whole
        counts = [len(mine), whole, partly, len(mine) - whole - partly]
        total = [a + b for a, b in zip(total, counts)]
        print(f"{part:6} {counts[0]:5} {counts[1]:7} {counts[2]:8} {counts[3]:8}")
    print(f"{'all':6} {total[0]:5} {total[1]:7} {total[2]:8} {total[3]:8}")
    unknown = sorted(set(named) - set(known))
    for row in unknown:
        print(f"{', '.join(named[row])}: there is no row {row}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""header_example.py OUT.c: the program that stands in the head comment of include/genops/genops.h."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    comment = (ROOT / "include" / "genops" / "genops.h").read_text().split("*/", 1)[0]
    body, started = [], False
    for line in comment.splitlines():
        started |= line.startswith(" *\t")
        if started and (line.startswith(" *\t") or line == " *"):
            body.append(line[3:])
    if "int main(void)\n{" not in "\n".join(body):
        sys.exit("genops.h has no program in its head comment")
    pathlib.Path(sys.argv[1]).write_text("\n".join(body).rstrip() + "\n")


if __name__ == "__main__":
    main()

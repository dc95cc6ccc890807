#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_docs.py [GENOPS]: what the written pages name is there (functions, files, links, commands with their options), and every
YAML block is a configuration that loads."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = "src|cli|nginx|include|tests|tools|docs|fuzz|data"
SYMBOL = re.compile(r"`(?:struct )?((?:ngx_http_)?(?:genops|GENOPS)_[A-Za-z_0-9]+)(?:\(\))?`")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"```yaml\n(.*?)```", re.S)
COMMAND = re.compile(r"^(?:\$ )?genops (\w+)((?: .*)?)$", re.M)


def sources():
    return "\n".join(path.read_text() for top in ("src", "include", "nginx", "cli") for path in (ROOT / top).rglob("*.[ch]"))


def names(page, text, code):
    for symbol in sorted(set(SYMBOL.findall(text))):
        if not re.search(rf"\b{symbol}\b", code):
            yield f"{page}: there is no {symbol}"
    for path in sorted(set(re.findall(rf"`((?:{FOLDERS})/[\w./-]+)`", text))):
        if not (ROOT / path).exists():
            yield f"{page}: there is no {path}"
    for link in sorted(set(LINK.findall(text))):
        if not (page.parent / link).exists():
            yield f"{page}: the link {link} leads nowhere"


def blocks(page, text, genops):
    for number, block in enumerate(BLOCK.findall(text), 1):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "genops.yaml"
            file.write_text(block)
            env = {"PATH": os.environ["PATH"], "HOME": folder, "GENOPS_CI_KEY": "a-key-of-ci-0123456789", "OPENAI_API_KEY": "sk-x"}
            done = subprocess.run([genops, "validate", "--config", file, "--state", f"{folder}/state"], env=env, text=True,
                                  capture_output=True)
            if done.returncode == 2:
                yield f"{page}: YAML block {number}: " + " ".join(line for line in done.stdout.splitlines() if "FAIL" in line)


def commands(page, text, helps):
    for name, rest in COMMAND.findall("\n".join(re.findall(r"```sh\n(.*?)```", text, re.S))):
        known = helps(name)
        if known is None:
            yield f"{page}: there is no command genops {name}"
            continue
        for option in re.findall(r"(?:^| )(--[a-z-]+)", rest.split(" -- ")[0].split("#")[0]):
            if f"{option} " not in known and f"{option}\n" not in known:
                yield f"{page}: genops {name} has no {option}"


def main():
    genops = sys.argv[1] if len(sys.argv) > 1 else None
    seen, code, found = {}, sources(), []

    def helps(name):
        if name not in seen:
            done = subprocess.run([genops, name, "--help"], text=True, capture_output=True)
            seen[name] = done.stdout if done.returncode == 0 else None
        return seen[name]

    for page in PAGES:
        text = page.read_text()
        found += names(page, text, code)
        if genops:
            found += [*blocks(page, text, genops), *commands(page, text, helps)]
    for line in found:
        print(line.replace(f"{ROOT}/", ""))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

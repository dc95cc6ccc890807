#!/usr/bin/env python3
"""A room includes only itself and the rooms above it (docs/architecture.md); hosts include only <genops/...>.

Also: third-party headers stay behind their fence, and basenames are unique in src/."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ["base", "codec", "govern", "telemetry", "pipeline", "dialect", "export", "store", "net", "connect",
         "report", "engine"]
# export and store are neighbours that do not know each other.
STRANGERS = {("store", "export"), ("export", "store")}
FENCES = {
    "sqlite3.h": {"store"},
    "curl/curl.h": {"net", "cli"},
    "nghttp2/nghttp2.h": {"net"},
    "libfyaml.h": {"codec"},
    "hs.h": {"govern"},
    "hs/hs.h": {"govern"},
    "pcre2.h": {"govern", "pipeline"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def faults():
    seen = {}
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        room = path.relative_to(ROOT / "src").parts[0]
        if path.name in seen and path.suffix == ".c":
            yield f"{path}: the name is taken by {seen[path.name]}"
        seen[path.name] = path
        for kind, name in INCLUDE.findall(path.read_text()):
            if name in FENCES and room not in FENCES[name]:
                yield f"{path}: <{name}> belongs to {', '.join(sorted(FENCES[name]))}"
            if kind == '"':
                target = name.split("/")[0]
                if target not in ROOMS:
                    yield f'{path}: include "{name}" by its room: "room/file.h"'
                elif ROOMS.index(target) > ROOMS.index(room) or (room, target) in STRANGERS:
                    yield f"{path}: {room}/ may not include {target}/ ({name})"
    for host in ("nginx", "cli"):
        for path in sorted((ROOT / host).rglob("*.[ch]")):
            for kind, name in INCLUDE.findall(path.read_text()):
                if kind == '"' and name.split("/")[0] in ROOMS:
                    yield f"{path}: {host}/ includes only <genops/...> ({name})"
                if name in FENCES and host not in FENCES[name]:
                    yield f"{path}: <{name}> belongs to {', '.join(sorted(FENCES[name]))}"
    for path in sorted((ROOT / "include").rglob("*.h")):
        for kind, name in INCLUDE.findall(path.read_text()):
            if kind == '"':
                yield f"{path}: a public header includes only <...> ({name})"


def main():
    found = list(faults())
    for fault in found:
        print(fault.replace(str(ROOT) + "/", ""))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""extract.py FOLDER: cuts what the fake serves out of Collibra's OpenAPI files (dgc-rest.json, dgc-importer-rest.json) into
fake_collibra/openapi/: those paths and the schemas that they reach, without descriptions and examples. test_contract.py compares
the result with the whole files where they are at hand."""
import json
import pathlib
import sys

TARGET = pathlib.Path(__file__).resolve().parent / "fake_collibra" / "openapi"
ROOMS = {
    "core": ("dgc-rest.json", ("/application/info", "/users/current", "/auth/sessions", "/assets", "/attributes", "/assetTypes",
                               "/attributeTypes", "/statuses", "/domains", "/domainTypes", "/communities", "/assignments", "/jobs")),
    "import": ("dgc-importer-rest.json", ("/import/json-job", "/import/results")),
}
# What hangs below those paths and the fake does not do.
LEFT_OUT = ("breadcrumb", "relations", "responsibilities", "removalJobs", "/root", "/asset/", "forResource", "/parents", "subTypes")
PROSE = ("description", "example", "title", "summary", "tags", "operationId", "x-discriminator", "x-authorities", "discriminator")


def without_prose(node, is_named=False):
    """is_named: the node's keys are names of members, not of the specification."""
    if isinstance(node, dict):
        return {key: without_prose(value, not is_named and key in ("properties", "paths", "schemas")) for key, value in node.items()
                if is_named or key not in PROSE}
    return [without_prose(item) for item in node] if isinstance(node, list) else node


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def extract(source, room):
    file, wanted = ROOMS[room]
    whole = json.loads((pathlib.Path(source) / file).read_text(encoding="utf-8"))
    paths = {path: without_prose(operations) for path, operations in whole["paths"].items()
             if any(path == want or path.startswith(want + "/") for want in wanted) and not any(word in path for word in LEFT_OUT)}
    schemas, pending = {}, list(references(paths)) + (["AssetImportCommand"] if room == "import" else [])
    while pending:
        name = pending.pop()
        if name not in schemas:
            schemas[name] = without_prose(whole["components"]["schemas"][name])
            pending += references(schemas[name])
    return {"openapi": whole["openapi"], "info": {"title": whole["info"]["title"], "version": whole["info"]["version"]},
            "paths": dict(sorted(paths.items())), "components": {"schemas": dict(sorted(schemas.items()))}}


def text(document):
    """One path or schema a line: a file that differences can be read in."""
    def block(entries):
        return "{\n" + ",\n".join(f'  {json.dumps(key)}: {json.dumps(value)}' for key, value in entries.items()) + "\n }"
    return (f'{{"openapi": {json.dumps(document["openapi"])}, "info": {json.dumps(document["info"])},\n "paths": {block(document["paths"])},\n'
            f' "components": {{"schemas": {block(document["components"]["schemas"])}}}}}\n')


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name in ROOMS:
        (TARGET / f"{name}.json").write_text(text(extract(sys.argv[1], name)), encoding="utf-8")

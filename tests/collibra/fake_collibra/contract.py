# SPDX-License-Identifier: Apache-2.0
"""What a request may look like, by Collibra's OpenAPI (openapi/*.json) and what later versions added to it (LATER below; the sources
are named in README.md). One Operation a method and path: finds it, checks path, query and body, and checks our own answers."""
import copy
import json
import pathlib
import re

import fastjsonschema

from .refusal import invalid

FOLDER = pathlib.Path(__file__).resolve().parent / "openapi"
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z"
PUBLIC_ID = {"type": "string", "maxLength": 260, "pattern": r"^[A-Z][A-Za-z0-9]*_C\Z"}
RANGES = {"int32": (-2 ** 31, 2 ** 31 - 1), "int64": (-2 ** 63, 2 ** 63 - 1)}


def _query(name, kind="string", **more):
    return {"name": name, "in": "query", "schema": {"type": kind, **more}}


def _list(name, **item):
    return {"name": name, "in": "query", "schema": {"type": "array", "items": {"type": "string", **item}}}


CURSOR = [_query("cursor"), _query("countLimit", "integer", format="int32")]
# path -> query parameters that came after the file; one of the same name replaces the old one. In the 2025 file lists are plural.
LATER_PARAMETERS = {
    "/assets": CURSOR + [_list("typeIds", format="uuid"), _list("statusIds", format="uuid"), _list("typePublicIds"),
                         _query("sortField", enum=["NAME", "DISPLAY_NAME", "ID"])],
    "/attributes": CURSOR + [_list("typePublicIds"), _query("sortField", enum=["CREATED_BY", "CREATED_ON", "LAST_MODIFIED", "ID"])],
    "/domains": CURSOR, "/communities": CURSOR,
}
RETIRED_PARAMETERS = {"/assets": ("typeId", "statusId")}
LATER_PATHS = {
    "/assetTypes/publicId/{publicId}": {"get": {"parameters": [{"name": "publicId", "in": "path", "schema": {"type": "string"}}]}},
    "/users/current/permissions": {"get": {}}, "/users/current/globalPermissions": {"get": {}}, "/auth/sessions/heartbeat": {"get": {}},
    "/jobs": {"get": {"parameters": [_query("offset", "integer"), _query("limit", "integer"), _query("type"), _query("state"),
                                     _query("sortField"), _query("sortOrder")]}},
}


def _with_later(room, document):
    schemas = document["components"]["schemas"]
    if room == "import":
        schemas["AssetTypeIdentifier"]["properties"]["publicId"] = {"type": "string"}
        document["paths"]["/import/json-job"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"].update(
            continueOnError={"type": "boolean"})
        return document
    for name in ("AddAttributeRequest", "ChangeAttributeRequest", "Attribute"):
        schemas[name]["properties"]["value"] = {}  # the file says object, which is its word for a Java Object
    schemas["SetAssetAttributesRequest"]["properties"]["values"]["items"] = {}
    for name in ("AddAssetTypeRequest", "AddAttributeTypeRequest", "ChangeAssetTypeRequest"):
        schemas[name]["properties"]["publicId"] = PUBLIC_ID
    schemas["AddAssignmentRequest"]["required"].remove("defaultStatusId")  # from 2026 the first status; a switch says which
    document["paths"].update(copy.deepcopy(LATER_PATHS))
    for path, added in LATER_PARAMETERS.items():
        operation = document["paths"][path]["get"]
        gone = {parameter["name"] for parameter in added} | set(RETIRED_PARAMETERS.get(path, ()))
        operation["parameters"] = [old for old in operation["parameters"] if old["name"] not in gone] + copy.deepcopy(added)
    for path, methods in document["paths"].items():
        if path.endswith("/bulk"):
            _answers_array(methods["post"])
            _answers_array(methods["patch"])
            _changes_by_id(methods["patch"], schemas)
    return document


def _answers_array(operation):
    """The file names one resource as the answer of some bulk calls."""
    for response in operation["responses"].values():
        content = response.get("content", {}).get("application/json")
        if content and "$ref" in content["schema"]:
            content["schema"] = {"type": "array", "items": content["schema"]}


def _changes_by_id(operation, schemas):
    """The file has the body of one change, whose id is in the path, for the items of a bulk change too."""
    items = operation["requestBody"]["content"]["application/json"]["schema"]["items"]
    one = schemas[items["$ref"].rsplit("/", 1)[1]]
    name = items["$ref"].rsplit("/", 1)[1] + "OfMany"
    schemas[name] = {**one, "properties": {**one["properties"], "id": {"type": "string", "format": "uuid"}}, "required": ["id", *one.get("required", ())]}
    items["$ref"] = f"#/components/schemas/{name}"


def _plain(node):
    """OpenAPI's words into JSON Schema's."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items() if key not in ("default", "deprecated", "readOnly", "format")}
    if not isinstance(node.get("format"), str):
        if "format" in node:
            plain["format"] = _plain(node["format"])
    elif node["format"] == "uuid":
        plain["format"] = "uuid"
    elif node["format"] in RANGES:
        plain["minimum"], plain["maximum"] = max(RANGES[node["format"]][0], node.get("minimum", -2 ** 63)), RANGES[node["format"]][1]
    return plain


def _compile(schema, schemas):
    return fastjsonschema.compile({"$schema": "http://json-schema.org/draft-07/schema#", **_plain(schema),
                                   "components": {"schemas": _plain(schemas)}}, formats={"uuid": UUID}, use_default=False)


class Operation:
    def __init__(self, method, path, spec, schemas):
        self.method, self.path, self._spec, self._schemas = method, path, spec, schemas
        self.name = f"{method} {path}"
        self.parameters = {parameter["name"]: parameter for parameter in spec.get("parameters", ())}
        self.content = spec.get("requestBody", {}).get("content", {})
        self._compiled = {}

    def _validator(self, key, schema):
        if key not in self._compiled:
            self._compiled[key] = _compile(schema, self._schemas)
        return self._compiled[key]

    def body_schema(self):
        return next(iter(self.content.values()))["schema"] if self.content else None

    def check_body(self, body):
        try:
            self._validator("body", self.body_schema())(body)
        except fastjsonschema.JsonSchemaException as error:
            raise invalid(error.message.replace("data", "body", 1)) from None

    def unknown_members(self, body):
        """Members that the schema does not name, of the body or of the items of an array."""
        schema = self.body_schema()
        schema = schema.get("items", schema)
        known = self._schemas[schema["$ref"].rsplit("/", 1)[1]]["properties"] if "$ref" in schema else {}
        for item in body if isinstance(body, list) else [body]:
            if isinstance(item, dict):
                yield from (name for name in item if known and name not in known)

    def arguments(self, given, place):
        """given: name -> list of texts. What the contract names, typed; a name that it does not have is ignored (query)."""
        typed = {}
        for name, parameter in self.parameters.items():
            if parameter["in"] != place or name not in given:
                continue
            schema = parameter["schema"]
            if schema["type"] == "array":
                typed[name] = [_typed(name, text, schema["items"]) for text in given[name]]
            else:
                typed[name] = _typed(name, given[name][-1], schema)
        return typed

    def check_answer(self, status, body):
        """Our own answers keep to the contract too; what it does not describe is not checked."""
        responses = self._spec.get("responses", {})
        schema = responses.get(str(status), responses.get("default", {})).get("content", {}).get("application/json", {}).get("schema")
        if schema and status < 300:
            self._validator(status, schema)(body)


def _typed(name, text, schema):
    kind = schema["type"]
    if kind == "integer":
        if not re.fullmatch(r"-?\d{1,10}", text) or not -2 ** 31 <= int(text) < 2 ** 31:
            raise invalid(f"The parameter {name} is no integer: {text!r}")
        return int(text)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise invalid(f"The parameter {name} is no boolean: {text!r}")
        return text == "true"
    if schema.get("format") == "uuid" and not re.match(UUID, text):
        raise invalid(f"The parameter {name} is no UUID: {text!r}")
    if "enum" in schema and text not in schema["enum"]:
        raise invalid(f"The parameter {name} must be one of {', '.join(schema['enum'])}: {text!r}")
    return text


class Contract:
    def __init__(self):
        self.operations, self._patterns, self.schemas = {}, [], {}
        for room in ("core", "import"):
            document = _with_later(room, json.loads((FOLDER / f"{room}.json").read_text(encoding="utf-8")))
            self.schemas[room] = document["components"]["schemas"]
            for path, methods in document["paths"].items():
                pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)) + r"\Z")
                self._patterns.append((path.count("{"), pattern, path))
                for method, spec in methods.items():
                    operation = Operation(method.upper(), path, spec, self.schemas[room])
                    self.operations[operation.name] = operation
        self._patterns.sort(key=lambda entry: entry[0])

    def find(self, method, path):
        """(Operation or None, path arguments, whether the path has other methods)."""
        is_known = False
        for _, pattern, template in self._patterns:
            if match := pattern.match(path):
                is_known = True
                if operation := self.operations.get(f"{method} {template}"):
                    return operation, match.groupdict(), True
        return None, {}, is_known

    def compile(self, room, name):
        return _compile({"$ref": f"#/components/schemas/{name}"}, self.schemas[room])


CONTRACT = Contract()

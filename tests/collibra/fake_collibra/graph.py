# SPDX-License-Identifier: Apache-2.0
"""The knowledge graph: GraphQL over the catalogue, read only. Every list has ten elements unless told otherwise, and a query whose limits
multiply to more nodes than the budget is refused before it runs, with status 200."""
import datetime
import json
import pathlib
import re

import graphql

from .assets import tag_answer
from .attributes import attribute_answers, milliseconds
from .contract import UUID
from .dispatch import Answer, identify, json_answer, refuse
from .refusal import Refusal, invalid
from .routes import Request

PATH = "/graphql/knowledgeGraph/v1"
SCHEMA = graphql.build_schema((pathlib.Path(__file__).resolve().parent / "knowledge_graph.graphql").read_text(encoding="utf-8"))
LISTS = {"assets", "domains", "communities", "stringAttributes", "multiValueAttributes", "numericAttributes", "booleanAttributes", "dateAttributes", "tags"}
# List of an asset -> (kinds of attribute types, name of the value).
ATTRIBUTE_LISTS = {
    "stringAttributes": (("STRING", "SINGLE_VALUE_LIST", "SCRIPT"), "stringValue"), "multiValueAttributes": (("MULTI_VALUE_LIST",), "stringValues"),
    "numericAttributes": (("NUMERIC",), "numericValue"), "booleanAttributes": (("BOOLEAN",), "booleanValue"), "dateAttributes": (("DATE",), "dateValue"),
}


def _text(milliseconds_):
    when = datetime.datetime.fromtimestamp(milliseconds_ / 1000, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds_ % 1000:03d}Z"


def _uuid(value):
    if not isinstance(value, str) or not re.match(UUID, value):
        raise graphql.GraphQLError(f"Invalid UUID value: {value!r}")
    return value


def _moment(value):
    try:
        return milliseconds(value)
    except (ValueError, TypeError):
        raise graphql.GraphQLError(f"Invalid date: {value!r}") from None


def _literal(scalar):
    return lambda node, variables=None: scalar.coerce_input_value(graphql.value_from_ast_untyped(node))


SCHEMA.type_map["UUID"].coerce_input_value = _uuid
for _name in ("DateTime", "Date"):
    SCHEMA.type_map[_name].coerce_output_value = _text
    SCHEMA.type_map[_name].coerce_input_value = _moment
for _name in ("UUID", "DateTime", "Date"):
    SCHEMA.type_map[_name].coerce_input_literal = _literal(SCHEMA.type_map[_name])


def answer(fake, method, headers, body):
    """The answer to a request to PATH."""
    try:
        user = identify(fake, headers, method)
        if method != "POST" or fake.switches.graphql == "404" or fake.switches.public_ids == "off":
            raise Refusal(404, "There is no such resource.")
        if fake.switches.graphql == "403":
            raise Refusal(403, "The user may not use the knowledge graph.")
        if (headers.get("Content-Type") or "").split(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "The content type is not supported.")
        try:
            asked = json.loads(body)
            text, variables = asked["query"], asked.get("variables") or {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise invalid("The body is no GraphQL request") from None
        with fake.catalogue.lock:
            fake.run_due()
            return _run(fake, user, text, variables, asked.get("operationName"))
    except Refusal as refusal:
        return refuse(refusal, fake)


def _refused(message, kind, locations=()):
    error = {"message": message, "locations": [{"line": at.line, "column": at.column} for at in locations or ()], "extensions": {"classification": kind}}
    return json_answer(200, {"errors": [error]})


def _run(fake, user, text, variables, operation_name) -> Answer:
    try:
        document = graphql.parse(text)
    except graphql.GraphQLError as error:
        return _refused(error.message, "InvalidSyntax", error.locations)
    problems = graphql.validate(SCHEMA, document)
    if problems:
        return _refused(problems[0].message, "ValidationError", problems[0].locations)
    try:
        nodes = _nodes(document, operation_name, variables)
    except (ValueError, TypeError) as error:
        return _refused(f"Validation error: {error}", "ValidationError")
    if nodes > fake.switches.graphql_nodes_maximum:
        return _refused(f"The query exceeds the size limit of {fake.switches.graphql_nodes_maximum} nodes: {nodes}", "ValidationError")
    result = graphql.execute(SCHEMA, document, _Graph(Request(fake=fake, user=user)).root(), variable_values=variables, operation_name=operation_name)
    body = {"data": result.data}
    if result.errors:
        body["errors"] = [{"message": error.message, "path": error.path, "extensions": {"classification": "DataFetchingException"}} for error in result.errors]
        if result.data is None:
            del body["data"]
    return json_answer(200, body)


def _nodes(document, operation_name, variables):
    """What the limits multiply to, lists inside lists; as far as the query can return, not as it does."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, graphql.FragmentDefinitionNode)}
    operation = graphql.get_operation_ast(document, operation_name)
    if operation is None:
        raise ValueError("the document has no such operation")
    defaults = {node.variable.name.value: node.default_value for node in operation.variable_definitions or ()}

    def limit(field):
        for argument in field.arguments or ():
            if argument.name.value == "limit":
                node = argument.value
                if isinstance(node, graphql.VariableNode):
                    name = node.name.value
                    value = variables.get(name, graphql.value_from_ast_untyped(defaults[name]) if defaults.get(name) else 10)
                else:
                    value = graphql.value_from_ast_untyped(node)
                if not isinstance(value, int) or value < 0:
                    raise ValueError("limit must be a number from 0 (the fake does not cover negative ones)")
                return value
        return 10

    def walk(selections, times):
        total = 0
        for node in selections.selections if selections else ():
            if isinstance(node, graphql.FragmentSpreadNode):
                total += walk(fragments[node.name.value].selection_set, times)
            elif isinstance(node, graphql.InlineFragmentNode):
                total += walk(node.selection_set, times)
            else:
                inside = times * limit(node) if node.name.value in LISTS else times
                total += (inside if node.name.value in LISTS else 0) + walk(node.selection_set, inside)
        return total
    return walk(operation.selection_set, 1)


class _Graph:
    """The catalogue as GraphQL's default resolver reads it: dicts, with functions for lists."""

    def __init__(self, request):
        self.request, self.catalogue, self.switches = request, request.catalogue, request.switches

    def root(self):
        return {"assets": self.list("assets", lambda: [self.asset(row) for row in self.catalogue.assets]),
                "domains": self.list("domains", lambda: [self.domain(row) for row in self.catalogue.domains]),
                "communities": self.list("communities", lambda: [self.community(row) for row in self.catalogue.communities])}

    def list(self, name, items, is_last=False):
        def resolve(_, where=None, order=None, limit=10, offset=0):
            if is_last and self.switches.graphql_broken == name:
                raise graphql.GraphQLError("An internal error occurred.")
            found = [item for item in items() if _matches(item, where)]
            if offset < 0:
                raise graphql.GraphQLError("offset must not be negative")
            for keys in reversed(order or ()):
                for entry in reversed(keys if isinstance(keys, list) else [keys]):
                    for member, direction in reversed(list(entry.items())):
                        found.sort(key=lambda item, member=member: item[member], reverse=direction == "desc")
            return found[offset:] if limit is None else found[offset:offset + limit]
        return resolve

    @staticmethod
    def common(row):
        return {"id": row["id"], "createdOn": row["createdOn"], "modifiedOn": row["lastModifiedOn"], "system": row["system"]}

    def named(self, row, **more):
        return {**self.common(row), "name": row["name"], "description": row["description"], **more}

    def community(self, row):
        return self.named(row, parent=self.community(self.catalogue.communities.get(row["parent"])) if row["parent"] else None)

    def domain(self, row):
        return self.named(row, parent=self.community(self.catalogue.communities.get(row["community"])),
                          type=self.named(self.catalogue.domain_types.get(row["type"])),
                          assets=self.list("assets", lambda: [self.asset(asset) for asset in self.catalogue.assets.find("domain", row["id"])]))

    def asset_type(self, row):
        return self.named(row, publicId=row["publicId"], parent=self.asset_type(self.catalogue.asset_types.get(row["parent"])) if row["parent"] else None)

    def attribute_type(self, row):
        return self.named(row, publicId=row["publicId"], kind=row["kind"], isInteger=row["isInteger"], stringType=row["stringType"])

    def asset(self, row):
        catalogue = self.catalogue
        is_last = row["id"] == max(catalogue.assets.rows)
        lists = {name: self.list(name, lambda name=name: self.attributes(row, name), is_last) for name in ATTRIBUTE_LISTS}
        return {**self.common(row), "createdBy": self.user(row["createdBy"]), "modifiedBy": self.user(row["lastModifiedBy"]), "fullName": row["name"],
                "displayName": row["displayName"], "domain": self.domain(catalogue.domains.get(row["domain"])),
                "type": self.asset_type(catalogue.asset_types.get(row["type"])), "status": self.named(catalogue.statuses.get(row["status"])),
                "tags": self.list("tags", lambda: tag_answer(self.request, row["tags"])), **lists}

    def user(self, id):
        for user in self.request.fake.logins.users.values():
            if user.id == id:
                return {"id": id, "firstName": user.name, "lastName": "", "fullName": user.name, "enabled": True, "email": None, "system": False}
        return None

    def attributes(self, asset, name):
        kinds, member = ATTRIBUTE_LISTS[name]
        found = []
        for row in self.catalogue.attributes.find("asset", asset["id"]):
            attribute_type = self.catalogue.attribute_types.get(row["type"])
            if attribute_type["kind"] in kinds:
                value = self.switches.graphql_separator.join(row["value"]) if isinstance(row["value"], tuple) else next(
                    attribute_answers(self.request, row))["value"]
                found.append({**self.common(row), "type": self.attribute_type(attribute_type), member: value})
        return found


# Filters

TESTS = {
    "eq": lambda value, given: value == given, "ne": lambda value, given: value != given, "gt": lambda value, given: value > given,
    "gte": lambda value, given: value >= given, "lt": lambda value, given: value < given, "lte": lambda value, given: value <= given,
    "in": lambda value, given: value in given, "notIn": lambda value, given: value not in given,
    "startsWith": str.startswith, "notStartsWith": lambda value, given: not value.startswith(given), "endsWith": str.endswith,
    "notEndsWith": lambda value, given: not value.endswith(given), "contains": str.__contains__, "notContains": lambda value, given: given not in value,
}


def _matches(item, where):
    for member, wanted in (where or {}).items():
        if wanted is None:
            continue
        if member == "_and":
            is_so = all(_matches(item, each) for each in wanted)
        elif member == "_or":
            is_so = not wanted or any(_matches(item, each) for each in wanted)
        elif callable(item.get(member)):
            is_so = _collection_matches(item[member](None, limit=None), wanted)
        elif isinstance(item.get(member), dict):
            is_so = _matches(item[member], wanted)
        elif isinstance(wanted, dict):
            is_so = _value_matches(item.get(member), wanted)
        else:
            is_so = item.get(member) == wanted
        if not is_so:
            return False
    return True


def _value_matches(value, tests):
    for test, given in tests.items():
        if test == "null":
            if (value is None) != given:
                return False
        elif given is not None and (value is None or not TESTS[test](value, given)):
            return False
    return True


def _collection_matches(items, wanted):
    if wanted.get("typePublicId") is not None:
        items = [item for item in items if item["type"]["publicId"] == wanted["typePublicId"]]
    tests = {"any": lambda where: any(_matches(item, where) for item in items), "all": lambda where: all(_matches(item, where) for item in items),
             "none": lambda where: not any(_matches(item, where) for item in items), "empty": lambda is_empty: (not items) == is_empty}
    return all(tests[name](given) for name, given in wanted.items() if name in tests and given is not None)

# SPDX-License-Identifier: Apache-2.0
"""Asset types and attribute types. A type read back has no kind: it tells it by a discriminator, as Collibra's answers do."""
import re

from .assignments import add_own
from .bulk import each
from .catalogue import reference, resource
from .domains import check_new_id
from .paging import name_filter, page
from .refusal import duplicate, invalid, missing
from .routes import serves

KINDS = {"STRING": "StringAttributeType", "NUMERIC": "NumericAttributeType", "BOOLEAN": "BooleanAttributeType", "DATE": "DateAttributeType",
         "SINGLE_VALUE_LIST": "SingleValueListAttributeType", "MULTI_VALUE_LIST": "MultiValueListAttributeType", "SCRIPT": "ScriptAttributeType"}


def _public_id(request, table, item):
    """As given, else made of the name; None where the instance has no public ids."""
    if request.switches.public_ids == "off":
        return None
    wanted = item.get("publicId")
    if wanted:
        if table.find("public_id", wanted):
            raise duplicate(f"The public id {wanted} is taken")
        return wanted
    stem = re.sub(r"[^A-Za-z0-9]", "", item["name"].title()) or "Type"
    stem = stem if stem[0].isalpha() else f"T{stem}"
    number = 1
    while table.find("public_id", f"{stem}{number if number > 1 else ''}_C"):
        number += 1
    return f"{stem}{number if number > 1 else ''}_C"


# Asset types

def asset_type_answer(request, row):
    parent = request.catalogue.asset_types.get(row["parent"]) if row["parent"] else None
    return resource(row, "AssetType", name=row["name"], description=row["description"], parent=parent and reference(parent, "AssetType"),
                    publicId=row["publicId"] if request.switches.public_ids == "on" else None, displayNameEnabled=row["displayNameEnabled"],
                    ratingEnabled=row["ratingEnabled"], symbolData={key: value for key, value in row["symbol"].items() if value is not None})


def add_asset_type(request, item):
    catalogue = request.catalogue
    check_new_id(catalogue.asset_types, item.get("id"))
    if catalogue.asset_types.find("name", item["name"]):
        raise duplicate(f"An asset type {item['name']!r} exists")
    if item.get("parentId") and item["parentId"] not in catalogue.asset_types:
        raise missing("asset type", item["parentId"])
    symbol = {"symbolType": item["symbolType"], "iconCode": item.get("iconCode"), "acronymCode": item.get("acronymCode"), "color": item.get("color")}
    row = catalogue.asset_types.put(catalogue.new_row(
        request.user.id, item.get("id"), name=item["name"], description=item.get("description"), parent=item.get("parentId"), symbol=symbol,
        publicId=_public_id(request, catalogue.asset_types, item), displayNameEnabled=item["displayNameEnabled"], ratingEnabled=item["ratingEnabled"]))
    if request.switches.type_assignment == "own":
        add_own(request, row)
    return row


def subtypes(catalogue, id):
    """The type and all that inherit from it."""
    found, pending = set(), [id]
    while pending:
        id = pending.pop()
        found.add(id)
        pending += [row["id"] for row in catalogue.asset_types.find("parent", id)]
    return found


@serves("POST /assetTypes", needs=("SYSTEM_ADMINISTRATION",))
def post_asset_type(request):
    with request.catalogue.transaction():
        return 201, asset_type_answer(request, add_asset_type(request, request.body))


@serves("POST /assetTypes/bulk", needs=("SYSTEM_ADMINISTRATION",))
def post_asset_types(request):
    return 201, [asset_type_answer(request, row) for row in each(request, request.body, lambda item: add_asset_type(request, item))]


@serves("GET /assetTypes")
def list_asset_types(request):
    is_named, parent = name_filter(request), request.query.get("parentId")
    rows = [row for row in request.catalogue.asset_types if is_named(row["name"]) and (parent is None or row["parent"] == parent)
            and (not request.query.get("topLevel") or row["parent"] is None)]
    return 200, page(request, rows, lambda row: asset_type_answer(request, row), lambda row: row["name"].lower())


@serves("GET /assetTypes/publicId/{publicId}")
def get_asset_type_by_public_id(request):
    found = request.catalogue.asset_types.find("public_id", request.path["publicId"]) if request.switches.public_ids == "on" else ()
    if not found:
        raise missing("asset type", request.path["publicId"])
    return 200, asset_type_answer(request, found[0])


@serves("GET /assetTypes/{assetTypeId}")
def get_asset_type(request):
    return 200, asset_type_answer(request, request.at("asset_types", "asset type"))


# Attribute types

def attribute_type_answer(request, row):
    kind = KINDS[row["kind"]]
    is_later = request.switches.public_ids == "on"
    return resource(row, kind, name=row["name"], description=row["description"], publicId=row["publicId"] if is_later else None,
                    attributeTypeDiscriminator=kind if is_later else None, language=row["language"], statisticsEnabled=row["statisticsEnabled"],
                    allowedValues=row["allowedValues"], stringType=row["stringType"], isInteger=row["isInteger"])


def add_attribute_type(request, item):
    catalogue, kind = request.catalogue, item["kind"]
    check_new_id(catalogue.attribute_types, item.get("id"))
    if catalogue.attribute_types.find("name", item["name"]):
        raise duplicate(f"An attribute type {item['name']!r} exists")
    is_list = kind in ("SINGLE_VALUE_LIST", "MULTI_VALUE_LIST")
    if is_list and not item.get("allowedValues"):
        raise invalid(f"A {kind} needs allowedValues")
    return catalogue.attribute_types.put(catalogue.new_row(
        request.user.id, item.get("id"), name=item["name"], description=item.get("description"), kind=kind, language=item.get("language"),
        publicId=_public_id(request, catalogue.attribute_types, item), statisticsEnabled=item.get("statisticsEnabled", False),
        allowedValues=list(item["allowedValues"]) if is_list else None,
        stringType=item.get("stringType", "RICH_TEXT") if kind == "STRING" else None,
        isInteger=item.get("isInteger", False) if kind == "NUMERIC" else None))


@serves("POST /attributeTypes", needs=("SYSTEM_ADMINISTRATION",))
def post_attribute_type(request):
    return 201, attribute_type_answer(request, add_attribute_type(request, request.body))


@serves("POST /attributeTypes/bulk", needs=("SYSTEM_ADMINISTRATION",))
def post_attribute_types(request):
    rows = each(request, request.body, lambda item: add_attribute_type(request, item))
    return 201, [attribute_type_answer(request, row) for row in rows]


@serves("GET /attributeTypes")
def list_attribute_types(request):
    is_named, query = name_filter(request), request.query
    rows = [row for row in request.catalogue.attribute_types
            if is_named(row["name"]) and all(row[member] == query[member] for member in ("kind", "language", "statisticsEnabled", "isInteger") if member in query)]
    keys = {"KIND": lambda row: row["kind"], "STATISTICS_ENABLED": lambda row: row["statisticsEnabled"], "IS_INTEGER": lambda row: bool(row["isInteger"]),
            "ALLOWED_VALUES": lambda row: row["allowedValues"] or []}
    return 200, page(request, rows, lambda row: attribute_type_answer(request, row),
                     keys.get(query.get("sortField"), lambda row: row["name"].lower()), query.get("sortOrder") == "DESC")


@serves("GET /attributeTypes/name/{attributeTypeName}")
def get_attribute_type_by_name(request):
    found = request.catalogue.attribute_types.find("name", request.path["attributeTypeName"])
    if not found:
        raise missing("attribute type", request.path["attributeTypeName"])
    return 200, attribute_type_answer(request, found[0])


@serves("GET /attributeTypes/{attributeTypeId}")
def get_attribute_type(request):
    return 200, attribute_type_answer(request, request.at("attribute_types", "attribute type"))

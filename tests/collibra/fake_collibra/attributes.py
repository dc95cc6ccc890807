# SPDX-License-Identifier: Apache-2.0
"""Attributes: values of attribute types on assets. A POST appends a value each time it comes; only PUT replaces."""
import datetime
import html
import math
import re
import uuid

from .assignments import characteristic
from .bulk import each
from .catalogue import reference, resource
from .paging import page
from .refusal import invalid, missing
from .routes import serves
from .types import KINDS

NUMBER_TEXT = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*\Z")


def stored(request, attribute_type, value):
    """The value as the type keeps it; refuses what is of another kind."""
    try:
        return _stored(attribute_type, value)
    except (ValueError, TypeError, OverflowError):
        if request.switches.wrong_value == "store":
            return value
        raise invalid(f"The value {value!r} is not valid for the attribute type {attribute_type['name']} ({attribute_type['kind']}).",
                      id=attribute_type["id"]) from None


def _stored(attribute_type, value):
    kind = attribute_type["kind"]
    if kind in ("STRING", "SCRIPT", "SINGLE_VALUE_LIST"):
        if not isinstance(value, str) or kind == "SINGLE_VALUE_LIST" and value not in attribute_type["allowedValues"]:
            raise ValueError
        return value
    if kind == "MULTI_VALUE_LIST":
        if not isinstance(value, (list, tuple)) or any(item not in attribute_type["allowedValues"] for item in value):
            raise ValueError
        return tuple(value)
    if kind == "BOOLEAN":
        if not isinstance(value, bool) and (not isinstance(value, str) or value.lower() not in ("true", "false")):
            raise ValueError
        return value if isinstance(value, bool) else value.lower() == "true"
    if isinstance(value, bool):
        raise ValueError
    return _number(attribute_type, value) if kind == "NUMERIC" else milliseconds(value)


def _number(attribute_type, value):
    if isinstance(value, str) and not NUMBER_TEXT.match(value):
        raise ValueError
    number = float(value)
    if not math.isfinite(number) or attribute_type["isInteger"] and number != int(number):
        raise ValueError
    return number


def milliseconds(value):
    if isinstance(value, str) and not re.fullmatch(r"-?\d+", value):
        when = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
        return int((when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)).timestamp() * 1000)
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)


def attribute_answers(request, row):
    """The records that a stored value is read as: one, or under a switch one a value of a list."""
    catalogue = request.catalogue
    attribute_type, asset = catalogue.attribute_types.get(row["type"]), catalogue.assets.get(row["asset"])
    kind, value = KINDS[attribute_type["kind"]], row["value"]
    discriminator = kind.removesuffix("Type")
    if attribute_type["stringType"] == "RICH_TEXT" and request.switches.rich_text_html and isinstance(value, str):
        value = f"<p>{html.escape(value)}</p>"
    values = [list(value) if isinstance(value, tuple) else value]
    if isinstance(value, tuple) and request.switches.multi_values == "records":
        values = list(value)
    for number, value in enumerate(values):
        answer = resource(row, discriminator, type=reference(attribute_type, kind), asset=reference(asset, "Asset"), value=value,
                          attributeDiscriminator=discriminator if request.switches.public_ids == "on" else None)
        if number:
            answer["id"] = str(uuid.uuid5(uuid.UUID(row["id"]), str(number)))
        yield answer


def touch(request, asset_id):
    if request.switches.attribute_touches_asset:
        catalogue = request.catalogue
        catalogue.assets.put(catalogue.changed(catalogue.assets.get(asset_id), request.user.id))


def _check_assignment(request, asset, attribute_type, count):
    bounds = characteristic(request.catalogue, asset["type"], attribute_type["id"])
    if bounds is None:
        if request.switches.unassigned_attribute == "refuse":
            raise invalid(f"The attribute type {attribute_type['name']} is not assigned to the asset type", id=attribute_type["id"])
    elif bounds["max"] is not None and count > bounds["max"] and request.switches.attribute_maximum == "refuse":
        raise invalid(f"The attribute type {attribute_type['name']} has at most {bounds['max']} values", id=attribute_type["id"])


def _put(request, asset, attribute_type, value):
    return request.catalogue.attributes.put(request.catalogue.new_row(request.user.id, asset=asset["id"], type=attribute_type["id"], value=value))


def add_attribute(request, item):
    asset = request.named("assets", "asset", item["assetId"])
    attribute_type = request.catalogue.attribute_types.get(item["typeId"])
    if attribute_type is None:
        raise missing("attribute type", item["typeId"], "attTypeNotFoundId")
    value = stored(request, attribute_type, item["value"])
    _check_assignment(request, asset, attribute_type, len(request.catalogue.attributes.find("of", (asset["id"], attribute_type["id"]))) + 1)
    touch(request, asset["id"])
    return _put(request, asset, attribute_type, value)


def set_attributes(request, asset, attribute_type, values):
    """Replaces all values of one type on one asset. Values that stay the same keep their rows: whether anything changed."""
    catalogue = request.catalogue
    values = [stored(request, attribute_type, value) for value in values]
    _check_assignment(request, asset, attribute_type, len(values))
    old = catalogue.attributes.find("of", (asset["id"], attribute_type["id"]))
    if [row["value"] for row in old] == values:
        return False
    for row in old:
        catalogue.attributes.remove(row["id"])
    for value in values:
        _put(request, asset, attribute_type, value)
    touch(request, asset["id"])
    return True


def change_attribute(request, id, value):
    catalogue = request.catalogue
    row = catalogue.attributes.get(id)
    if row is None:
        raise missing("attribute", id)
    touch(request, row["asset"])
    return catalogue.attributes.put(catalogue.changed(row, request.user.id, value=stored(request, catalogue.attribute_types.get(row["type"]), value)))


def remove_attribute(request, id):
    row = request.catalogue.attributes.get(id)
    if row is None:
        raise missing("attribute", id)
    request.catalogue.attributes.remove(id)
    touch(request, row["asset"])


def _one(request, row):
    return next(attribute_answers(request, row))


def _one_of(request):
    return lambda row: _one(request, row)


@serves("POST /attributes", needs=("ASSET_ATTRIBUTE_ADD",))
def post_attribute(request):
    with request.catalogue.transaction():
        return 201, _one(request, add_attribute(request, request.body))


@serves("POST /attributes/bulk", needs=("ASSET_ATTRIBUTE_ADD",))
def post_attributes(request):
    return 201, [_one(request, row) for row in each(request, request.body, lambda item: add_attribute(request, item))]


@serves("PATCH /attributes/{attributeId}", needs=("ASSET_ATTRIBUTE_CHANGE",))
def patch_attribute(request):
    with request.catalogue.transaction():
        return 200, _one(request, change_attribute(request, request.path["attributeId"], request.body["value"]))


@serves("PATCH /attributes/bulk", needs=("ASSET_ATTRIBUTE_CHANGE",))
def patch_attributes(request):
    return 200, [_one(request, row) for row in each(request, request.body, lambda item: change_attribute(request, item["id"], item["value"]))]


@serves("DELETE /attributes/{attributeId}", needs=("ASSET_ATTRIBUTE_REMOVE",))
def delete_attribute(request):
    with request.catalogue.transaction():
        remove_attribute(request, request.path["attributeId"])
    return 204, None


@serves("DELETE /attributes/bulk", needs=("ASSET_ATTRIBUTE_REMOVE",))
def delete_attributes(request):
    each(request, request.body, lambda id: remove_attribute(request, id))
    return 204, None


@serves("PUT /assets/{assetId}/attributes", needs=("ASSET_ATTRIBUTE_ADD", "ASSET_ATTRIBUTE_CHANGE"))
def put_attributes(request):
    asset, attribute_type = request.at("assets", "asset"), request.catalogue.attribute_types.get(request.body["typeId"])
    if attribute_type is None:
        raise missing("attribute type", request.body["typeId"], "attTypeNotFoundId")
    with request.catalogue.transaction():
        set_attributes(request, asset, attribute_type, request.body["values"])
    return 200, [_one(request, row) for row in request.catalogue.attributes.find("of", (asset["id"], attribute_type["id"]))]


@serves("GET /attributes/{attributeId}")
def get_attribute(request):
    return 200, _one(request, request.at("attributes", "attribute"))


@serves("GET /attributes")
def list_attributes(request):
    catalogue, query = request.catalogue, request.query
    types, assets = request.filter_ids("typeIds", "attribute_types", "attribute type"), request.filter_ids("assetId", "assets", "asset")
    if "typePublicIds" in query and request.switches.public_ids == "on":
        named = {row["id"] for public_id in query["typePublicIds"] for row in catalogue.attribute_types.find("public_id", public_id)}
        types = named if types is None else types & named
    if assets is not None:
        rows = [row for id in assets for row in catalogue.attributes.find("asset", id) if types is None or row["type"] in types]
    else:
        rows = catalogue.attributes if types is None else [row for id in types for row in catalogue.attributes.find("of_type", id)]
    keys = {"CREATED_BY": lambda row: row["createdBy"], "CREATED_ON": lambda row: row["createdOn"], "ID": lambda row: row["id"]}
    render = _one_of(request)
    if request.switches.multi_values == "records":
        rows, render = [answer for row in rows for answer in attribute_answers(request, row)], dict
    return 200, page(request, rows, render, keys.get(query.get("sortField"), lambda row: row["lastModifiedOn"]), query.get("sortOrder", "DESC") == "DESC")

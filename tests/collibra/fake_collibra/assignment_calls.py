# SPDX-License-Identifier: Apache-2.0
"""Reading and changing assignments."""
from .assignments import effective, is_allowed
from .catalogue import reference, resource
from .domains import check_new_id
from .refusal import duplicate, invalid
from .routes import serves
from .types import KINDS, asset_type_answer, attribute_type_answer


def assignment_answer(request, row, is_inherited=False):
    catalogue = request.catalogue
    characteristics, references = [], []
    for id, bounds in row["characteristics"].items():
        attribute_type = catalogue.attribute_types.get(id)
        common = {key: row[key] for key in ("createdBy", "createdOn", "lastModifiedBy", "lastModifiedOn", "system")}
        characteristics.append({
            **common, "resourceType": "AssignedCharacteristicType", "assignedResourceId": id, "assignedResourceType": "AttributeType",
            "assignedCharacteristicTypeDiscriminator": "AttributeType", "attributeType": attribute_type_answer(request, attribute_type),
            "minimumOccurrences": bounds["min"], "inherited": is_inherited, "hidden": False, "readOnly": False,
            **({} if bounds["max"] is None else {"maximumOccurrences": bounds["max"]})})
        references.append({"assignedResourceReference": {"id": id, "name": attribute_type["name"], "resourceDiscriminator": KINDS[attribute_type["kind"]]},
                           "minimumOccurrences": bounds["min"], **({} if bounds["max"] is None else {"maximumOccurrences": bounds["max"]})})
    return resource(row, "Assignment", assetType=reference(catalogue.asset_types.get(row["asset_type"]), "AssetType"),
                    statuses=[reference(catalogue.statuses.get(id), "Status") for id in row["statuses"]], defaultStatusId=row["default_status"],
                    characteristicTypes=characteristics, assignedCharacteristicTypeReferences=references, domainTypes=[reference(catalogue.domain_types.get(id), "DomainType") for id in row["domain_types"]])


def _characteristics(request, items):
    """attribute type id -> {min, max}; other kinds of characteristics are not covered."""
    found = {}
    for item in items:
        row = request.named("attribute_types", "attribute type", item["id"], "attTypeNotFoundId")
        allowed = {"any": ("AttributeType", KINDS[row["kind"]]), "AttributeType": ("AttributeType",),
                   "kind": (KINDS[row["kind"]],)}[request.switches.characteristic_type]
        if item["type"] not in allowed:
            raise invalid(f"The characteristic type {row['name']} is no {item['type']}")
        maximum = item.get("max")
        if maximum is not None and maximum < item.get("min", 0):
            raise invalid("max is below min")
        found[item["id"]] = {"min": item.get("min", 0), "max": maximum}
    return found


@serves("POST /assignments", needs=("SYSTEM_ADMINISTRATION",))
def post_assignment(request):
    catalogue, item = request.catalogue, request.body
    check_new_id(catalogue.assignments, item.get("id"))
    request.named("asset_types", "asset type", item["assetTypeId"])
    for id in item["statusIds"]:
        request.named("statuses", "status", id)
    for id in item.get("domainTypeIds", ()):
        request.named("domain_types", "domain type", id)
    default = item.get("defaultStatusId")
    if default is None and request.switches.assignment_default_status == "required":
        raise invalid("body must contain ['defaultStatusId'] properties")
    if default is not None and default not in item["statusIds"]:
        raise invalid("The default status is none of statusIds")
    if catalogue.assignments.find("asset_type", item["assetTypeId"]):
        raise duplicate("The asset type has a global assignment")
    row = catalogue.assignments.put(catalogue.new_row(
        request.user.id, item.get("id"), asset_type=item["assetTypeId"], statuses=tuple(item["statusIds"]), default_status=default or item["statusIds"][0],
        domain_types=tuple(item.get("domainTypeIds", ())), characteristics=_characteristics(request, item.get("characteristicTypes", ()))))
    return 201, assignment_answer(request, row)


@serves("PATCH /assignments/{assignmentId}", needs=("SYSTEM_ADMINISTRATION",))
def patch_assignment(request):
    """Members that are given replace what was there; lists as a whole."""
    catalogue, item, row = request.catalogue, request.body, request.at("assignments", "assignment")
    changes = {}
    if item.get("statusIds") is not None:
        if not item["statusIds"]:
            raise invalid("An assignment has at least one status")
        for id in item["statusIds"]:
            request.named("statuses", "status", id)
        changes["statuses"] = tuple(item["statusIds"])
        if row["default_status"] not in changes["statuses"]:
            changes["default_status"] = changes["statuses"][0]
    if item.get("defaultStatusId") is not None:
        changes["default_status"] = item["defaultStatusId"]
        if item["defaultStatusId"] not in changes.get("statuses", row["statuses"]):
            raise invalid("The default status is none of the assignment's")
    if item.get("domainTypeIds") is not None or item.get("domainTypes") is not None:
        changes["domain_types"] = tuple(item["domainTypeIds"] if item.get("domainTypeIds") is not None else [each["id"] for each in item["domainTypes"]])
        for id in changes["domain_types"]:
            request.named("domain_types", "domain type", id)
    if item.get("characteristicTypes") is not None:
        changes["characteristics"] = _characteristics(request, item["characteristicTypes"])
    return 200, assignment_answer(request, catalogue.assignments.put(catalogue.changed(row, request.user.id, **changes)))


@serves("GET /assignments/assetType/{assetTypeId}")
def list_assignments(request):
    assignment, is_inherited = effective(request.catalogue, request.at("asset_types", "asset type")["id"])
    return 200, [assignment_answer(request, assignment, is_inherited)] if assignment else []


@serves("GET /assignments/domain/{domainId}/assetTypes")
def list_asset_types_of_domain(request):
    domain = request.at("domains", "domain")
    return 200, [asset_type_answer(request, row) for row in request.catalogue.asset_types if is_allowed(request.catalogue, row["id"], domain)]

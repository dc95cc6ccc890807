# SPDX-License-Identifier: Apache-2.0
"""Assets: a name is unique in its domain over all types, an id over all assets; both make a repeated write a refusal, not a copy."""
import zlib

from .assignments import effective, is_allowed
from .bulk import each
from .catalogue import reference, resource
from .domains import ancestors, check_new_id
from .paging import name_filter, page
from .refusal import Refusal, duplicate, missing
from .routes import serves
from .types import subtypes


def asset_answer(request, row):
    catalogue = request.catalogue
    return resource(row, "Asset", name=row["name"], displayName=row["displayName"], articulationScore=0.0, avgRating=0.0, ratingsCount=0,
                    domain=reference(catalogue.domains.get(row["domain"]), "Domain"), type=reference(catalogue.asset_types.get(row["type"]), "AssetType"),
                    status=reference(catalogue.statuses.get(row["status"]), "Status"),
                    excludedFromAutoHyperlinking=row["excludedFromAutoHyperlinking"])


def check_place(request, type_id, domain_id, name, self_id=None):
    """That domain may hold that type and has no other asset of that name."""
    catalogue = request.catalogue
    domain = request.named("domains", "domain", domain_id)
    asset_type = request.named("asset_types", "asset type", type_id)
    if not is_allowed(catalogue, type_id, domain):
        raise Refusal(int(request.switches.type_not_in_domain),
                      f"Assets of the type {asset_type['name']} are not allowed in the domain {domain['name']}.", typeId=type_id, domainId=domain_id)
    if any(row["id"] != self_id for row in catalogue.assets.find("name", (domain_id, name))):
        raise duplicate(f"An asset with the full name {name} exists in the domain {domain['name']}.")


def add_asset(request, item):
    catalogue = request.catalogue
    check_new_id(catalogue.assets, item.get("id"))
    check_place(request, item["typeId"], item["domainId"], item["name"])
    status = item.get("statusId")
    if status:
        request.named("statuses", "status", status)
    return catalogue.assets.put(catalogue.new_row(
        request.user.id, item.get("id"), name=item["name"], displayName=item.get("displayName", item["name"]), domain=item["domainId"],
        type=item["typeId"], status=status or effective(catalogue, item["typeId"])[0]["default_status"], tags=(),
        excludedFromAutoHyperlinking=item.get("excludedFromAutoHyperlinking", False)))


def change_asset(request, row, item):
    members = {"name": "name", "displayName": "displayName", "domainId": "domain", "typeId": "type", "statusId": "status",
               "excludedFromAutoHyperlinking": "excludedFromAutoHyperlinking"}
    changes = {member: item[name] for name, member in members.items() if item.get(name) is not None}
    after = {**row, **changes}
    if any(after[member] != row[member] for member in ("name", "domain", "type")):
        check_place(request, after["type"], after["domain"], after["name"], row["id"])
    if "statusId" in item:
        request.named("statuses", "status", after["status"])
    return request.catalogue.assets.put(request.catalogue.changed(row, request.user.id, **changes))


def remove_asset(request, id):
    catalogue = request.catalogue
    if id not in catalogue.assets:
        raise missing("asset", id)
    for row in catalogue.attributes.find("asset", id):
        catalogue.attributes.remove(row["id"])
    catalogue.assets.remove(id)


def _existing(request, id):
    row = request.catalogue.assets.get(id)
    if row is None:
        raise missing("asset", id)
    return row


@serves("POST /assets", needs=("ASSET_ADD",))
def post_asset(request):
    with request.catalogue.transaction():
        return 201, asset_answer(request, add_asset(request, request.body))


@serves("POST /assets/bulk", needs=("ASSET_ADD",))
def post_assets(request):
    return 201, [asset_answer(request, row) for row in each(request, request.body, lambda item: add_asset(request, item))]


@serves("PATCH /assets/{assetId}", needs=("ASSET_CHANGE",))
def patch_asset(request):
    return 200, asset_answer(request, change_asset(request, request.at("assets", "asset"), request.body))


@serves("PATCH /assets/bulk", needs=("ASSET_CHANGE",))
def patch_assets(request):
    rows = each(request, request.body, lambda item: change_asset(request, _existing(request, item["id"]), item))
    return 200, [asset_answer(request, row) for row in rows]


@serves("DELETE /assets/{assetId}", needs=("ASSET_REMOVE",))
def delete_asset(request):
    with request.catalogue.transaction():
        remove_asset(request, request.path["assetId"])
    return 204, None


@serves("DELETE /assets/bulk", needs=("ASSET_REMOVE",))
def delete_assets(request):
    each(request, request.body, lambda id: remove_asset(request, id))
    return 204, None


@serves("GET /assets/{assetId}")
def get_asset(request):
    return 200, asset_answer(request, request.at("assets", "asset"))


def _type_filter(request):
    """Ids of the types that are asked for, with their subtypes unless told otherwise; None: no filter."""
    catalogue, wanted = request.catalogue, request.filter_ids("typeIds", "asset_types", "asset type")
    if "typePublicIds" in request.query and request.switches.public_ids == "on":
        found = {row["id"] for public_id in request.query["typePublicIds"] for row in catalogue.asset_types.find("public_id", public_id)}
        wanted = found if wanted is None else wanted & found
    if wanted is None or not request.query.get("typeInheritance", True):
        return wanted
    return {id for root in wanted for id in subtypes(catalogue, root)}


@serves("GET /assets")
def list_assets(request):
    catalogue, query = request.catalogue, request.query
    is_named, types = name_filter(request), _type_filter(request)
    domains, statuses = request.filter_ids("domainId", "domains", "domain"), request.filter_ids("statusIds", "statuses", "status")
    communities = request.filter_ids("communityId", "communities", "community")
    if communities is not None:
        inside = {row["id"] for row in catalogue.domains
                  if any(near["id"] in communities for near in ancestors(catalogue.communities, catalogue.communities.get(row["community"])))}
        domains = inside if domains is None else domains & inside
    rows = catalogue.assets if domains is None else [row for id in domains for row in catalogue.assets.find("domain", id)]
    tags = set(query.get("tagNames", ()))
    rows = [row for row in rows if (types is None or row["type"] in types) and (statuses is None or row["status"] in statuses)
            and is_named(row["name"], row["displayName"]) and (not tags or tags & set(row["tags"]))]
    keys = {"ID": lambda row: row["id"], "DISPLAY_NAME": lambda row: row["displayName"].lower()}
    return 200, page(request, rows, lambda row: asset_answer(request, row), keys.get(query.get("sortField"), lambda row: row["name"].lower()),
                     query.get("sortOrder") == "DESC")


def tag_answer(request, names):
    return [{"id": f"00000000-0000-4000-8000-{zlib.crc32(name.encode()):012x}", "resourceType": "Tag", "name": name} for name in names]


@serves("GET /assets/{assetId}/tags")
def get_tags(request):
    return 200, tag_answer(request, request.at("assets", "asset")["tags"])


@serves("POST /assets/{assetId}/tags", "PUT /assets/{assetId}/tags", "DELETE /assets/{assetId}/tags", needs=("ASSET_TAG_CHANGE",))
def change_tags(request):
    row, names = request.at("assets", "asset"), request.body["tagNames"]
    tags = {"POST": list(row["tags"]) + [name for name in names if name not in row["tags"]], "PUT": names,
            "DELETE": [name for name in row["tags"] if name not in names]}[request.method]
    request.catalogue.assets.put(request.catalogue.changed(row, request.user.id, tags=tuple(dict.fromkeys(tags))))
    return (204, None) if request.method == "DELETE" else (201 if request.method == "POST" else 200, tag_answer(request, tags))

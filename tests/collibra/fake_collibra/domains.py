# SPDX-License-Identifier: Apache-2.0
"""Communities, domain types, domains, statuses: the places that assets live in and the states they have."""
from .bulk import each
from .catalogue import reference, resource
from .paging import name_filter, page
from .refusal import duplicate, invalid, missing
from .routes import serves

STATUS_PERMISSION = DOMAIN_TYPE_PERMISSION = "SYSTEM_ADMINISTRATION"


def check_new_id(table, id):
    if id and id.startswith("00000000-0000-0000-"):
        raise invalid("The prefix 00000000-0000-0000- of ids is reserved")
    if id and id in table:
        raise duplicate(f"The id {id} is taken")


def ancestors(table, row):
    """The row and what it inherits from, nearest first."""
    while row is not None:
        yield row
        row = table.get(row["parent"]) if row["parent"] else None


# Communities

def community_answer(catalogue, row):
    parent = catalogue.communities.get(row["parent"]) if row["parent"] else None
    return resource(row, "Community", name=row["name"], description=row["description"], parent=parent and reference(parent, "Community"))


def add_community(request, item):
    catalogue = request.catalogue
    check_new_id(catalogue.communities, item.get("id"))
    if catalogue.communities.find("name", item["name"]):
        raise duplicate(f"A community {item['name']!r} exists")
    if item.get("parentId"):
        request.named("communities", "community", item["parentId"])
    return catalogue.communities.put(catalogue.new_row(request.user.id, item.get("id"), name=item["name"], parent=item.get("parentId"),
                                                       description=item.get("description")))


@serves("POST /communities", needs=("COMMUNITY_ADD",))
def post_community(request):
    return 201, community_answer(request.catalogue, add_community(request, request.body))


@serves("GET /communities")
def list_communities(request):
    is_named = name_filter(request)
    rows = [row for row in request.catalogue.communities if is_named(row["name"])]
    return 200, page(request, rows, lambda row: community_answer(request.catalogue, row), lambda row: row["name"].lower())


@serves("GET /communities/{communityId}")
def get_community(request):
    return 200, community_answer(request.catalogue, request.at("communities", "community"))


# Domain types

def domain_type_answer(catalogue, row):
    parent = catalogue.domain_types.get(row["parent"]) if row["parent"] else None
    return resource(row, "DomainType", name=row["name"], description=row["description"], parent=parent and reference(parent, "DomainType"))


def add_domain_type(request, item):
    catalogue = request.catalogue
    check_new_id(catalogue.domain_types, item.get("id"))
    if catalogue.domain_types.find("name", item["name"]):
        raise duplicate(f"A domain type {item['name']!r} exists")
    if item.get("parentId"):
        request.named("domain_types", "domain type", item["parentId"])
    return catalogue.domain_types.put(catalogue.new_row(request.user.id, item.get("id"), name=item["name"], parent=item.get("parentId"),
                                                        description=item.get("description")))


@serves("POST /domainTypes", needs=(DOMAIN_TYPE_PERMISSION,))
def post_domain_type(request):
    return 201, domain_type_answer(request.catalogue, add_domain_type(request, request.body))


@serves("POST /domainTypes/bulk", needs=(DOMAIN_TYPE_PERMISSION,))
def post_domain_types(request):
    rows = each(request, request.body, lambda item: add_domain_type(request, item))
    return 201, [domain_type_answer(request.catalogue, row) for row in rows]


@serves("GET /domainTypes")
def list_domain_types(request):
    is_named = name_filter(request)
    rows = [row for row in request.catalogue.domain_types if is_named(row["name"])]
    return 200, page(request, rows, lambda row: domain_type_answer(request.catalogue, row), lambda row: row["name"].lower())


@serves("GET /domainTypes/{domainTypeId}")
def get_domain_type(request):
    return 200, domain_type_answer(request.catalogue, request.at("domain_types", "domain type"))


# Domains

def domain_answer(catalogue, row):
    return resource(row, "Domain", name=row["name"], description=row["description"],
                    type=reference(catalogue.domain_types.get(row["type"]), "DomainType"),
                    community=reference(catalogue.communities.get(row["community"]), "Community"))


def add_domain(request, item):
    catalogue = request.catalogue
    check_new_id(catalogue.domains, item.get("id"))
    request.named("communities", "community", item["communityId"])
    request.named("domain_types", "domain type", item["typeId"])
    if catalogue.domains.find("name", (item["communityId"], item["name"])):
        raise duplicate(f"The community has a domain {item['name']!r}")
    return catalogue.domains.put(catalogue.new_row(request.user.id, item.get("id"), name=item["name"], community=item["communityId"],
                                                   type=item["typeId"], description=item.get("description")))


@serves("POST /domains", needs=("DOMAIN_ADD",))
def post_domain(request):
    return 201, domain_answer(request.catalogue, add_domain(request, request.body))


@serves("GET /domains")
def list_domains(request):
    catalogue, is_named = request.catalogue, name_filter(request)
    types, communities = request.filter_ids("typeId", "domain_types", "domain type"), request.filter_ids("communityId", "communities", "community")
    rows = [row for row in catalogue.domains if is_named(row["name"]) and (types is None or row["type"] in types)]
    if communities is not None:
        def is_in(row):
            community = catalogue.communities.get(row["community"])
            near = ancestors(catalogue.communities, community) if request.query.get("includeSubCommunities") else [community]
            return any(place["id"] in communities for place in near)
        rows = [row for row in rows if is_in(row)]
    return 200, page(request, rows, lambda row: domain_answer(catalogue, row), lambda row: row["name"].lower())


@serves("GET /domains/{domainId}")
def get_domain(request):
    return 200, domain_answer(request.catalogue, request.at("domains", "domain"))


# Statuses

def status_answer(row):
    return resource(row, "Status", name=row["name"], description=row["description"])


@serves("POST /statuses", needs=(STATUS_PERMISSION,))
def post_status(request):
    catalogue, item = request.catalogue, request.body
    check_new_id(catalogue.statuses, item.get("id"))
    if catalogue.statuses.find("name", item["name"]):
        raise duplicate(f"A status {item['name']!r} exists")
    return 201, status_answer(catalogue.statuses.put(catalogue.new_row(request.user.id, item.get("id"), name=item["name"],
                                                                       description=item.get("description"))))


@serves("GET /statuses")
def list_statuses(request):
    is_named = name_filter(request)
    return 200, page(request, [row for row in request.catalogue.statuses if is_named(row["name"])], status_answer, lambda row: row["name"].lower())


@serves("GET /statuses/name/{statusName}")
def get_status_by_name(request):
    found = request.catalogue.statuses.find("name", request.path["statusName"])
    if not found:
        raise missing("status", request.path["statusName"])
    return 200, status_answer(found[0])


@serves("GET /statuses/{statusId}")
def get_status(request):
    return 200, status_answer(request.at("statuses", "status"))

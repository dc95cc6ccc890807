# SPDX-License-Identifier: Apache-2.0
"""Assignments as rules: which domain types may hold an asset type, which attributes it has. assignment_calls.py serves them."""
from .domains import ancestors


def effective(catalogue, type_id):
    """(assignment, whether it is inherited) of an asset type; (None, False) without any. Inherited ones are there only where types
    do not get their own (the switch type_assignment)."""
    for number, row in enumerate(ancestors(catalogue.asset_types, catalogue.asset_types.get(type_id))):
        if found := catalogue.assignments.find("asset_type", row["id"]):
            return found[0], number > 0
    return None, False


def is_allowed(catalogue, type_id, domain):
    """Whether that domain may hold assets of that type."""
    assignment, _ = effective(catalogue, type_id)
    domain_type = catalogue.domain_types.get(domain["type"])
    return assignment is not None and any(row["id"] in assignment["domain_types"] for row in ancestors(catalogue.domain_types, domain_type))


def characteristic(catalogue, type_id, attribute_type_id):
    """{min, max} of an attribute type in the assignment of an asset type, or None."""
    assignment, _ = effective(catalogue, type_id)
    return assignment["characteristics"].get(attribute_type_id) if assignment else None


def add_own(request, asset_type):
    """The assignment that comes with a new asset type: a copy of its parent's; without a parent all statuses and no place to be."""
    catalogue = request.catalogue
    like, _ = effective(catalogue, asset_type["parent"]) if asset_type["parent"] else (None, False)
    statuses = like["statuses"] if like else tuple(catalogue.statuses.rows)
    catalogue.assignments.put(catalogue.new_row(
        request.user.id, asset_type=asset_type["id"], statuses=statuses, default_status=like["default_status"] if like else statuses[0],
        domain_types=like["domain_types"] if like else (), characteristics=dict(like["characteristics"]) if like else {}))

# SPDX-License-Identifier: Apache-2.0
"""What an instance has before anybody does anything (types and ids of reference/collibra.md 1.6; the others are invented, README.md says
which), and what `genops collibra setup` leaves: the nine asset types of GenOps with their attribute types."""
from .operating_model import ASSET_TYPES, ATTRIBUTE_TYPES

STATUSES = ("Candidate", "Accepted", "Under Review", "Approval Pending", "Rejected", "Obsolete", "Deprecated", "Draft", "Enforced")
GLOSSARY, GOVERNANCE_DOMAIN = "00000000-0000-0000-0000-000000010001", "00000000-0000-0000-0000-000000030099"
STOCK_DOMAIN_TYPES = ((GLOSSARY, "Glossary"), (GOVERNANCE_DOMAIN, "Governance Asset Domain"))
BUSINESS_ASSET, GOVERNANCE_ASSET = "00000000-0000-0000-0000-000000031101", "00000000-0000-0000-0000-000000031201"
POLICY = "00000000-0000-0000-0000-000000031202"
STOCK_ASSET_TYPES = (
    (BUSINESS_ASSET, "Business Asset", "BusinessAsset", None), (GOVERNANCE_ASSET, "Governance Asset", "GovernanceAsset", None),
    (POLICY, "Policy", "Policy", GOVERNANCE_ASSET), ("00000000-0000-0000-0000-000000031203", "Rule", "Rule", GOVERNANCE_ASSET),
    ("00000000-0000-0000-0000-000000031204", "Business Rule", "BusinessRule", "00000000-0000-0000-0000-000000031203"),
    ("00000000-0000-0000-0000-000000031206", "Standard", "Standard", GOVERNANCE_ASSET),
    ("00000000-0000-0000-0000-000000031401", "AI Use Case", "AIUseCase", BUSINESS_ASSET),
)
DESCRIPTION, DEFINITION = "00000000-0000-0000-0000-000000003114", "00000000-0000-0000-0000-000000000202"

def fill(catalogue, user):
    """The empty instance."""
    def row(id, **members):
        return {**catalogue.new_row(user, id, **members), "system": True}
    for number, name in enumerate(STATUSES):
        catalogue.statuses.put(row(f"00000000-0000-0000-0000-{5008 + number:012d}", name=name, description=None))
    for id, name in STOCK_DOMAIN_TYPES:
        catalogue.domain_types.put(row(id, name=name, parent=None, description=None))
    for id, name, public_id, parent in STOCK_ASSET_TYPES:
        catalogue.asset_types.put(row(id, name=name, publicId=public_id, parent=parent, description=None, displayNameEnabled=True, ratingEnabled=False,
                                      symbol={"symbolType": "NONE"}))
    for id, name in ((DESCRIPTION, "Description"), (DEFINITION, "Definition")):
        catalogue.attribute_types.put(row(id, name=name, publicId=name, kind="STRING", stringType="RICH_TEXT", isInteger=None, allowedValues=None,
                                          language=None, statisticsEnabled=False, description=None))
    statuses = tuple(status["id"] for status in catalogue.statuses)
    for type_id, domain_type in ((BUSINESS_ASSET, GLOSSARY), (GOVERNANCE_ASSET, GOVERNANCE_DOMAIN)):
        catalogue.assignments.put(row(None, asset_type=type_id, statuses=statuses, default_status=statuses[0], domain_types=(domain_type,),
                                      characteristics={DESCRIPTION: {"min": 0, "max": None}, DEFINITION: {"min": 0, "max": 1}}))


def add_ours(catalogue, user, names=None, kinds=None, prefix=""):
    """The asset types of those names (all nine unless said otherwise) with their attribute types and assignments.
    kinds: attribute type -> members that differ (kind, allowedValues ...). prefix: of the attribute types' names."""
    status_ids = tuple(status["id"] for status in catalogue.statuses)
    for name in ASSET_TYPES if names is None else names:
        ours = ASSET_TYPES[name]
        if catalogue.asset_types.find("name", name):
            continue
        row = catalogue.asset_types.put(catalogue.new_row(
            user, name=name, publicId=ours["publicId"], parent=POLICY if ours["isPolicy"] else GOVERNANCE_ASSET, description=None,
            displayNameEnabled=True, ratingEnabled=False, symbol={"symbolType": "NONE"}))
        characteristics = {DESCRIPTION: {"min": 0, "max": None}}
        for attribute in ours["attributes"]:
            members = {**ATTRIBUTE_TYPES[attribute], **(kinds or {}).get(attribute, {})}
            characteristics[add_attribute_type(catalogue, user, prefix + attribute, **members)["id"]] = {"min": 0, "max": None}
        catalogue.assignments.put(catalogue.new_row(user, asset_type=row["id"], statuses=status_ids, default_status=status_ids[0],
                                                    domain_types=(GOVERNANCE_DOMAIN,), characteristics=characteristics))


def add_attribute_type(catalogue, user, name, kind="STRING", **members):
    """The one that is there, or a new one; plain text unless told otherwise."""
    found = catalogue.attribute_types.find("name", name)
    if found:
        return found[0]
    row = {"stringType": "PLAIN_TEXT" if kind == "STRING" else None, "isInteger": False if kind == "NUMERIC" else None, "allowedValues": None,
           "language": None, "statisticsEnabled": False, "description": None,
           "publicId": "".join(part.capitalize() for part in name.split("_")) + "_C", **members}
    return catalogue.attribute_types.put(catalogue.new_row(user, name=name, kind=kind, **row))

# SPDX-License-Identifier: Apache-2.0
"""GenOps' own asset types and attribute types, as `genops collibra setup` makes them: read from the rows that the product works by
(src/connect/collibra/collibra_types.h), so that a new row is here too."""
import pathlib
import re

HEADER = pathlib.Path(__file__).resolve().parents[3] / "src" / "connect" / "collibra" / "collibra_types.h"
KINDS = {"TEXT": {"kind": "STRING"}, "NUMBER": {"kind": "NUMERIC"}, "LEVEL": {"kind": "STRING"}, "LIST": {"kind": "STRING"}}


def _rows(text, name):
    """The cells of each X(...) of a list."""
    block = re.search(rf"#define {name}\(X\)(.*?[^\\])\n\n", text, re.S).group(1).replace("\\\n", " ")
    for row in re.findall(r'X\(((?:[^()"]|"[^"]*"|\([^()]*\))*)\)', block):
        yield [cell.strip() for cell in re.findall(r'\s*((?:"[^"]*"|\([^()]*\)|[^,"])+)(?:,|$)', row)]


def _load():
    text = HEADER.read_text(encoding="utf-8")
    asset_types, attributes, symbols = {}, {}, {}
    for symbol, public_id, name, policy, *_ in _rows(text, "GENOPS_COLLIBRA_ASSET_TYPES"):
        symbols[symbol] = name.strip('"')
        asset_types[symbols[symbol]] = {"publicId": public_id.strip('"'), "isPolicy": policy != "NULL", "attributes": []}
    unions = {"GENOPS_COLLIBRA_OF_EXPORTS": [name for name, row in asset_types.items() if not row["isPolicy"]],
              "GENOPS_COLLIBRA_OF_OPERATIONS": [symbols["OPERATION_COST"], symbols["POLICY_EVALUATION"]],
              "GENOPS_COLLIBRA_OF_POLICIES": [name for name, row in asset_types.items() if row["isPolicy"]]}
    for _, name, kind, used_by, *_ in _rows(text, "GENOPS_COLLIBRA_ATTRIBUTE_TYPES"):
        attributes[name.strip('"')] = KINDS[kind]
        for part in used_by.split("|"):
            one = re.fullmatch(r"GENOPS_COLLIBRA_OF\((\w+)\)", part.strip())
            for of in [symbols[one.group(1)]] if one else unions[part.strip()]:
                asset_types[of]["attributes"].append(name.strip('"'))
    return asset_types, attributes


ASSET_TYPES, ATTRIBUTE_TYPES = _load()

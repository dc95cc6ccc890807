# SPDX-License-Identifier: Apache-2.0
"""Lists in pages, by offset and by cursor, and the filters by name that all lists share."""
import base64
import json

from .refusal import invalid

MAXIMUM = 1000


def page_size(call):
    limit = call.query.get("limit", 0)
    if limit < 0:
        raise invalid("The limit must not be negative")
    if limit > MAXIMUM and call.switches.limit_over_maximum == "refuse":
        raise invalid(f"The maximum allowed limit is {MAXIMUM}")
    return min(limit or MAXIMUM, MAXIMUM, call.switches.page_maximum)


def page(call, rows, render, key=lambda row: row["id"], is_descending=False):
    """rows: what passed the filters. key: what they are sorted by; ties by id, so that pages never overlap."""
    limit = page_size(call)
    cursor, offset = call.query.get("cursor"), call.query.get("offset")
    if cursor is not None and offset is not None:
        raise invalid("offset and cursor exclude each other")
    order = sorted(rows, key=lambda row: (key(row), row["id"]), reverse=is_descending)
    if cursor is not None:
        return _page_by_cursor(call, order, render, key, is_descending, limit, cursor)
    offset = offset or 0
    if offset < 0:
        raise invalid("The offset must not be negative")
    total = len(order) if call.query.get("countLimit", -1) else -1
    return {"total": total, "offset": offset, "limit": limit, "results": [render(row) for row in order[offset:offset + limit]]}


def _page_by_cursor(call, order, render, key, is_descending, limit, cursor):
    if cursor:
        try:
            after = json.loads(base64.urlsafe_b64decode(cursor.encode()))
            after = (after[0], after[1])
        except (ValueError, IndexError, TypeError):
            raise invalid("The cursor is not one of ours") from None
        order = [row for row in order if ((key(row), row["id"]) < after if is_descending else (key(row), row["id"]) > after)]
    found = order[:limit]
    answer = {"total": -1, "offset": -1, "limit": limit, "results": [render(row) for row in found]}
    if found and (len(order) > limit or len(found) == limit and call.switches.cursor_end == "empty_page"):
        answer["nextCursor"] = base64.urlsafe_b64encode(json.dumps([key(found[-1]), found[-1]["id"]]).encode()).decode()
    return answer


def name_filter(call):
    """A function of the names of a row: whether one of them is meant. Only EXACT minds upper and lower case."""
    wanted, mode = call.query.get("name"), call.query.get("nameMatchMode", "ANYWHERE")
    if not wanted:
        return lambda *names: True
    if mode == "EXACT":
        return lambda *names: wanted in names
    wanted = wanted.lower()
    test = {"START": str.startswith, "END": str.endswith, "ANYWHERE": str.__contains__}[mode]
    return lambda *names: any(test(name.lower(), wanted) for name in names)

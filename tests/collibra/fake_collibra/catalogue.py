# SPDX-License-Identifier: Apache-2.0
"""What the instance holds: one table a kind of resource, rows that are replaced and never changed in place, and transactions that put
every table back when something is refused half-way. Whoever reads or writes holds `lock`."""
import contextlib
import threading
import time
import uuid

TABLES = {
    # table -> indexes: name -> key of a row (None: not in that index)
    "communities": {"name": lambda row: row["name"]},
    "domain_types": {"name": lambda row: row["name"]},
    "domains": {"name": lambda row: (row["community"], row["name"]), "of_type": lambda row: row["type"]},
    "statuses": {"name": lambda row: row["name"]},
    "asset_types": {"name": lambda row: row["name"], "public_id": lambda row: row["publicId"], "parent": lambda row: row["parent"]},
    "attribute_types": {"name": lambda row: row["name"], "public_id": lambda row: row["publicId"]},
    "assignments": {"asset_type": lambda row: row["asset_type"]},
    "assets": {"name": lambda row: (row["domain"], row["name"]), "domain": lambda row: row["domain"], "of_type": lambda row: row["type"]},
    "attributes": {"asset": lambda row: row["asset"], "of": lambda row: (row["asset"], row["type"]), "of_type": lambda row: row["type"]},
}


class Table:
    def __init__(self, journal, indexes):
        self.rows, self._journal, self._keys = {}, journal, indexes
        self._indexes = {name: {} for name in indexes}

    def __len__(self):
        return len(self.rows)

    def __contains__(self, id):
        return id in self.rows

    def __iter__(self):
        return iter(self.rows.values())

    def get(self, id):
        return self.rows.get(id)

    def find(self, index, key):
        """Rows of that key, in the order they came in."""
        return [self.rows[id] for id in self._indexes[index].get(key, ())]

    def put(self, row):
        self._journal(self, row["id"], self.rows.get(row["id"]))
        self._set(row["id"], row)
        return row

    def remove(self, id):
        self._journal(self, id, self.rows[id])
        self._set(id, None)

    def _set(self, id, row):
        old = self.rows.get(id)
        for name, key in self._keys.items():
            index = self._indexes[name]
            if old is not None and (row is None or key(old) != key(row)):
                bucket = index[key(old)]
                del bucket[id]
                if not bucket:
                    del index[key(old)]
            if row is not None:
                index.setdefault(key(row), {})[id] = None
        if row is None:
            self.rows.pop(id, None)
        else:
            self.rows[id] = row


class Catalogue:
    def __init__(self):
        self.lock = threading.RLock()
        self.offset = 0.0  # seconds that the tests' clock is ahead
        self._journal = None
        for name, indexes in TABLES.items():
            setattr(self, name, Table(self._note, indexes))

    def _note(self, table, id, old):
        if self._journal is not None:
            self._journal.append((table, id, old))

    @contextlib.contextmanager
    def transaction(self):
        """All of it or nothing; inside another one, part of that."""
        with self.lock:
            outer, mark = self._journal, None
            if outer is None:
                self._journal = []
            mark = len(self._journal)
            try:
                yield self
            except BaseException:
                while len(self._journal) > mark:
                    table, id, old = self._journal.pop()
                    table._set(id, old)
                raise
            finally:
                self._journal = outer

    def seconds(self):
        return time.time() + self.offset

    def now(self):
        """Epoch milliseconds."""
        return int(self.seconds() * 1000)

    def new_row(self, user, id=None, **members):
        now = self.now()
        return {"id": id or str(uuid.uuid4()), "createdBy": user, "createdOn": now, "lastModifiedBy": user, "lastModifiedOn": now,
                "system": False, **members}

    def changed(self, row, user, **members):
        return {**row, "lastModifiedBy": user, "lastModifiedOn": self.now(), **members}


def reference(row, kind):
    return {"id": row["id"], "resourceType": kind, "name": row["name"]}


def resource(row, kind, **members):
    """A row's answer: what all resources have, and its own members; absent ones (None) left out."""
    common = {key: row[key] for key in ("id", "createdBy", "createdOn", "lastModifiedBy", "lastModifiedOn", "system")}
    return {**common, "resourceType": kind, **{key: value for key, value in members.items() if value is not None}}

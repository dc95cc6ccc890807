# SPDX-License-Identifier: Apache-2.0
"""Which function serves which operation of the contract, and the request as that function sees it."""
from dataclasses import dataclass, field

from .refusal import Refusal, forbidden, missing

SERVED = {}


def serves(*names, needs=()):
    """needs: permissions (Collibra's own names) without which the answer is 403."""
    def register(function):
        for name in names:
            SERVED[name] = (function, tuple(needs))
        return function
    return register


@dataclass
class Request:
    """One request whose path, query and body are checked. `query` has typed values, only those that the contract knows."""
    fake: object
    user: object
    path: dict = field(default_factory=dict)
    query: dict = field(default_factory=dict)
    body: object = None
    headers: object = None
    method: str = ""
    answer_headers: dict = field(default_factory=dict)

    @property
    def catalogue(self):
        return self.fake.catalogue

    @property
    def switches(self):
        return self.fake.switches

    def may(self, *permissions):
        for permission in permissions:
            if permission not in self.user.permissions:
                raise forbidden(f"The user {self.user.name} lacks the permission {permission}.")

    def at(self, table, noun, member="id"):
        """The row that the path names."""
        id = next(iter(self.path.values())) if member == "id" else self.path[member]
        row = getattr(self.catalogue, table).get(id)
        if row is None:
            raise missing(noun, id)
        return row

    def named(self, table, noun, id, code=None):
        """The row that a body names."""
        row = getattr(self.catalogue, table).get(id)
        if row is None:
            raise Refusal(int(self.switches.unknown_id), f"The {noun} with id {id} was not found.", code, id=id)
        return row

    def filter_ids(self, name, table, noun):
        """Ids of a list's filter; None: no such filter."""
        ids = self.query.get(name)
        if ids is None:
            return None
        ids = ids if isinstance(ids, list) else [ids]
        for id in ids:
            if id not in getattr(self.catalogue, table) and self.switches.unknown_filter_id == "404":
                raise missing(noun, id)
        return set(ids)

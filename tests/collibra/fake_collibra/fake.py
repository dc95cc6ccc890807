# SPDX-License-Identifier: Apache-2.0
"""FakeCollibra: the instance, its server, and what a test does to both.

    with FakeCollibra() as collibra:                    # an admin, the domain "AI Governance", GenOps' nine asset types
        collibra.create_policy("AI Cost Limit", "No dear calls", max_cost=5, enforcement_level="strict")
        ...
        assert collibra.calls.by_operation() == {"GET /assets": 1}
        assert [asset["name"] for asset in collibra.assets("AI Operation Cost")]

All methods may be called from any thread. What they store goes past permissions, never past the rules for values and names.
"""
import tempfile
import threading

from . import assets, attributes, auth, domains, stock
from . import tls as certificates
from .calls import Calls
from .catalogue import Catalogue
from .faults import Faults
from .jobs import Jobs
from .routes import Request
from .server import Server
from .switches import Switches

DOMAIN = "AI Governance"


class FakeCollibra:
    def __init__(self, asset_types="all", domain=DOMAIN, tls=False, port=0, is_strict=False, attribute_kinds=None, **switches):
        """asset_types: "all" nine, "none", or names. domain: the name of the domain that is there, None for none. attribute_kinds: what
        differs from the usual kinds, as {"max_cost": {"kind": "STRING"}}. is_strict: answers are checked against the contract too."""
        self.catalogue, self.switches, self.calls, self.faults = Catalogue(), Switches(**switches), Calls(), Faults()
        self.logins, self.jobs_in_hand, self.spoiled = auth.Logins(self), Jobs(self), []
        self.is_strict, self.port, self.defects = is_strict, port, []
        self.username, self.password, self.client_id, self.client_secret = "genops", "not-a-real-password", "urn:genops:test", "not/a+real secret"
        self.admin = self.logins.add_user(self.username, self.password, auth.ALL_PERMISSIONS)
        self.logins.add_user("guest", "", (), is_guest=True)
        self.logins.clients[self.client_id] = (self.client_secret, self.admin)
        stock.fill(self.catalogue, self.admin.id)
        if asset_types != "none":
            self.create_types(None if asset_types == "all" else asset_types, attribute_kinds)
        self.domain_id = self.create_domain(domain) if domain else None
        self._tls_folder = tempfile.TemporaryDirectory(prefix="fake-collibra-") if tls else None
        self.ca_file = self._server = self._thread = None

    # The server

    def start(self):
        context = None
        if self._tls_folder:
            context, self.ca_file = certificates.make(self._tls_folder.name)
        self._server = Server(self, context)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """Nothing listens any more; the contents stay, and start() serves them again on the same port."""
        if self._server:
            self._server.close()
            self._thread.join()
            self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if self._tls_folder:
            self._tls_folder.cleanup()
        if self.defects:
            raise AssertionError("the fake Collibra has a defect:\n" + "\n".join(self.defects))

    @property
    def url(self):
        return f"https://localhost:{self.port}" if self._tls_folder else f"http://127.0.0.1:{self.port}"

    def run_due(self):
        """Jobs whose time has come; called before every request and every question of a test, with the catalogue's lock held."""
        self.jobs_in_hand.run_due()

    def advance(self, seconds):
        """The instance's clock goes on that far: tokens expire, jobs end."""
        with self.catalogue.lock:
            self.catalogue.offset += seconds
            self.run_due()

    # Who may come in

    def add_user(self, name, password, permissions=auth.ALL_PERMISSIONS):
        with self.catalogue.lock:
            return self.logins.add_user(name, password, permissions)

    def permit(self, *permissions):
        """The admin's permissions from now on; also those of its tokens and OAuth client."""
        self.admin.permissions = frozenset(permissions)

    def issue_token(self, life=None, requests=None, user=None):
        """A bearer token, as an identity provider or the OAuth endpoint would make it."""
        with self.catalogue.lock:
            return self.logins.issue(self.logins.users[user] if user else self.admin, life, requests)[0]

    # What is in it

    def request(self):
        return Request(fake=self, user=self._author, body=None)

    @property
    def _author(self):
        """A user of tests who may do everything, whatever permit() said."""
        return auth.User(self.admin.id, "tests", "", frozenset(auth.ALL_PERMISSIONS))

    def create_community(self, name="AI"):
        with self.catalogue.transaction():
            found = self.catalogue.communities.find("name", name)
            return (found[0] if found else domains.add_community(self.request(), {"name": name}))["id"]

    def create_domain(self, name, community="AI", domain_type=stock.GOVERNANCE_DOMAIN):
        with self.catalogue.transaction():
            return domains.add_domain(self.request(), {"name": name, "communityId": self.create_community(community), "typeId": domain_type})["id"]

    def delete_domain(self, domain_id):
        with self.catalogue.transaction():
            for row in self.catalogue.assets.find("domain", domain_id):
                assets.remove_asset(self.request(), row["id"])
            self.catalogue.domains.remove(domain_id)

    def create_types(self, names=None, attribute_kinds=None, prefix=""):
        """GenOps' own asset types (all, or those of these names), with their attribute types, names under a prefix."""
        with self.catalogue.transaction():
            stock.add_ours(self.catalogue, self.admin.id, names, attribute_kinds, prefix)

    def create_attribute_type(self, name, **members):
        """members: kind (STRING), stringType (PLAIN_TEXT), allowedValues, isInteger, publicId."""
        with self.catalogue.transaction():
            return stock.add_attribute_type(self.catalogue, self.admin.id, name, **members)["id"]

    def delete_type(self, name):
        """An asset type and its assets, or an attribute type and its values; gone as if somebody had cleaned up."""
        catalogue = self.catalogue
        with catalogue.transaction():
            for row in catalogue.asset_types.find("name", name):
                for asset in catalogue.assets.find("of_type", row["id"]):
                    assets.remove_asset(self.request(), asset["id"])
                for assignment in catalogue.assignments.find("asset_type", row["id"]):
                    catalogue.assignments.remove(assignment["id"])
                catalogue.asset_types.remove(row["id"])
            for row in catalogue.attribute_types.find("name", name):
                for value in catalogue.attributes.find("of_type", row["id"]):
                    catalogue.attributes.remove(value["id"])
                for assignment in list(catalogue.assignments):
                    if row["id"] in assignment["characteristics"]:
                        rest = {id: bounds for id, bounds in assignment["characteristics"].items() if id != row["id"]}
                        catalogue.assignments.put({**assignment, "characteristics": rest})
                catalogue.attribute_types.remove(row["id"])

    def type_id(self, name):
        """Id of the asset type or attribute type of that name."""
        with self.catalogue.lock:
            found = self.catalogue.asset_types.find("name", name) or self.catalogue.attribute_types.find("name", name)
            return found[0]["id"]

    def limit_values(self, asset_type, attribute_type, maximum):
        """At most so many values of an attribute type on assets of a type (its assignment's max)."""
        catalogue, attribute_type_id = self.catalogue, self.type_id(attribute_type)
        with catalogue.transaction():
            assignment = catalogue.assignments.find("asset_type", self.type_id(asset_type))[0]
            catalogue.assignments.put({**assignment, "characteristics": {**assignment["characteristics"], attribute_type_id: {"min": 0, "max": maximum}}})

    # Policies, as a data steward writes them

    def create_policy(self, type_name, name, domain=None, status="Accepted", display_name=None, **values):
        """values: attribute name to a value, or to a list (several values; one value where the type is a multi-value list)."""
        with self.catalogue.transaction():
            item = {"name": name, "domainId": domain or self.domain_id, "typeId": self.type_id(type_name),
                    "statusId": self.catalogue.statuses.find("name", status)[0]["id"]}
            if display_name:
                item["displayName"] = display_name
            row = assets.add_asset(self.request(), item)
            self._set_values(row, values)
            return row["id"]

    def change_policy(self, id, name=None, status=None, type_name=None, **values):
        """A value of None takes the attribute away."""
        with self.catalogue.transaction():
            item = {"name": name, "typeId": type_name and self.type_id(type_name)}
            if status:
                item["statusId"] = self.catalogue.statuses.find("name", status)[0]["id"]
            row = assets.change_asset(self.request(), self.catalogue.assets.get(id), item) if any(item.values()) else self.catalogue.assets.get(id)
            self._set_values(row, values)

    def disable_policy(self, id):
        self.change_policy(id, status="Obsolete")

    def delete_policy(self, id):
        with self.catalogue.transaction():
            assets.remove_asset(self.request(), id)

    def _set_values(self, asset, values):
        for name, value in values.items():
            attribute_type = self.catalogue.attribute_types.find("name", name)[0]
            if value is None:
                value = []
            elif attribute_type["kind"] == "MULTI_VALUE_LIST":
                value = [tuple(value)]
            elif not isinstance(value, (list, tuple)):
                value = [value]
            attributes.set_attributes(self.request(), asset, attribute_type, value)

    # What a test looks at

    def assets(self, type_name=None, domain=None):
        """[{id, name, displayName, type, status, domain, tags, createdOn, lastModifiedOn, attributes: {name: [value, ...]}}] by name."""
        catalogue = self.catalogue
        with catalogue.lock:
            self.run_due()
            rows = catalogue.assets if type_name is None else catalogue.assets.find("of_type", self.type_id(type_name))
            found = [self._view(row) for row in rows if domain in (None, row["domain"])]
        return sorted(found, key=lambda asset: asset["name"])

    def asset(self, id):
        with self.catalogue.lock:
            self.run_due()
            row = self.catalogue.assets.get(id)
            return self._view(row) if row else None

    def _view(self, row):
        catalogue, values = self.catalogue, {}
        for value in catalogue.attributes.find("asset", row["id"]):
            kept = value["value"]
            values.setdefault(catalogue.attribute_types.get(value["type"])["name"], []).append(list(kept) if isinstance(kept, tuple) else kept)
        return {"id": row["id"], "name": row["name"], "displayName": row["displayName"], "type": catalogue.asset_types.get(row["type"])["name"],
                "status": catalogue.statuses.get(row["status"])["name"], "domain": row["domain"], "tags": list(row["tags"]),
                "createdOn": row["createdOn"], "lastModifiedOn": row["lastModifiedOn"], "attributes": values}

    def asset_types(self):
        """name -> {publicId, parent, attributes: {name: {min, max}}, domainTypes} of the types that customers created."""
        catalogue = self.catalogue
        with catalogue.lock:
            found = {}
            for row in catalogue.asset_types:
                if row["system"]:
                    continue
                assignment = (catalogue.assignments.find("asset_type", row["id"]) or [None])[0]
                parent = catalogue.asset_types.get(row["parent"]) if row["parent"] else None
                found[row["name"]] = {
                    "id": row["id"], "publicId": row["publicId"], "parent": parent and parent["name"],
                    "attributes": {catalogue.attribute_types.get(id)["name"]: bounds for id, bounds in assignment["characteristics"].items()} if assignment else {},
                    "domainTypes": [catalogue.domain_types.get(id)["name"] for id in assignment["domain_types"]] if assignment else []}
            return found

    def attribute_types(self):
        """name -> {id, publicId, kind, stringType, isInteger, allowedValues} of the types that customers created."""
        with self.catalogue.lock:
            return {row["name"]: {member: row[member] for member in ("id", "publicId", "kind", "stringType", "isInteger", "allowedValues")}
                    for row in self.catalogue.attribute_types if not row["system"]}

    def jobs(self):
        """[{id, state, result, message, errors, counters, form, commands}] in the order they came, as they truly are."""
        with self.catalogue.lock:
            self.run_due()
            return [job.view() for job in self.jobs_in_hand.jobs.values()]

    # What goes wrong

    def next_job(self, **differences):
        """The next import that comes (after those ordered before) differs from the switches: polls, seconds, end."""
        unknown = set(differences) - {"polls", "seconds", "end"}
        if unknown:
            raise ValueError(f"a job has no {', '.join(unknown)}")
        with self.catalogue.lock:
            self.jobs_in_hand.next.append(differences)

    def spoil(self, name="*", kind="RUNTIME", times=1, message="The command was spoiled."):
        """The next commands about assets of such a name (a glob) fail inside their job."""
        with self.catalogue.lock:
            self.spoiled.append({"name": name, "kind": kind, "times": times, "message": message})

    def fault(self, kind, method="*", path="*", nth=1, times=1, **options):
        return self.faults.add(kind, method, path, nth, times, **options)

# SPDX-License-Identifier: Apache-2.0
"""The Import API: a file of commands becomes a job; assets are merged, a named attribute is set to the given values. The same file twice
leaves the same state."""
import fnmatch
import json
import re

import fastjsonschema

from . import assets, attributes, multipart
from .contract import CONTRACT, UUID
from .jobs import job_answer
from .refusal import Refusal, forbidden, invalid
from .routes import Request, serves

NEEDS = ("ASSET_ADD", "ASSET_CHANGE", "ASSET_ATTRIBUTE_ADD", "ASSET_ATTRIBUTE_CHANGE", "ASSET_ATTRIBUTE_REMOVE")
FLAGS = ("sendNotification", "simulation", "saveResult", "deleteFile", "continueOnError")


class Failure(Exception):
    """A command that fails: Collibra's code, and whether doing it again could help (RUNTIME) or not (VALIDATION)."""

    def __init__(self, code, message, kind="VALIDATION"):
        super().__init__(f"{code}: {message}")
        self.kind = kind


# The request

def _form(request):
    """(form with typed fields, bytes of the file)."""
    parts = multipart.parts(request.headers.get("Content-Type"), request.body)
    form = {}
    for name, (_, content) in parts.items():
        if name == "file":
            continue
        form[name] = content.decode(errors="replace")
        if name in FLAGS:
            if form[name] not in ("true", "false"):
                raise invalid(f"{name} must be true or false")
            form[name] = form[name] == "true"
    if "relationsAction" in form and form["relationsAction"] not in ("ADD_OR_IGNORE", "REPLACE"):
        raise invalid("relationsAction must be ADD_OR_IGNORE or REPLACE")
    if "batchSize" in form and not re.fullmatch(r"[1-9]\d{0,8}", form["batchSize"]):
        raise invalid("batchSize must be a number from 1")
    if "fileId" in form:
        raise Refusal(501, "The fake Collibra does not cover fileId.", "notCovered")
    if "file" not in parts:
        raise invalid("Either a file or a fileId must be given")
    return form, parts["file"][1]


@serves("POST /import/json-job")
def post_import(request):
    if request.switches.import_api == "404":
        raise Refusal(404, "There is no such resource.")
    if request.switches.import_api == "403":
        raise forbidden("The user may not import.")
    request.may(*NEEDS)
    form, file = _form(request)
    try:
        commands, problem = json.loads(file), None
        if not isinstance(commands, list):
            commands, problem = [], "The root of the file is no array."
    except (ValueError, RecursionError):
        commands, problem = [], "The file is no JSON."
    fake, user = request.fake, request.user
    job = fake.jobs_in_hand.take(user, lambda job: run(fake, user, job, problem), [_key(fake, command) for command in commands], form, commands)
    return 200, job_answer(job, "WAITING")


def _key(fake, command):
    """The asset that a command is about, as far as it can be told before it runs; None: not at all."""
    identifier = command.get("identifier") if isinstance(command, dict) else None
    if not isinstance(identifier, dict):
        return None
    if isinstance(identifier.get("id"), str):
        row = fake.catalogue.assets.get(identifier["id"])
        return (row["domain"], row["name"]) if row else identifier["id"]
    try:
        return _domain(fake.catalogue, identifier.get("domain"))["id"], identifier["name"]
    except (Failure, KeyError, TypeError, AttributeError):
        return None


# The job

def run(fake, user, job, problem):
    """Stores what can be stored and says how it went. The catalogue's lock is held."""
    if problem:
        job.state, job.result, job.message = "ERROR", "FAILURE", problem
        return
    goes_on = job.form.get("continueOnError", fake.switches.import_continue_default)
    work = _Work(fake, user, job)
    try:
        with fake.catalogue.transaction():
            is_aborted = work.all(goes_on)
            if job.form.get("simulation") or job.errors and not goes_on:
                raise _Undone
    except _Undone:
        pass
    if not job.errors:
        job.state, job.result, job.message = "COMPLETED", "SUCCESS", "Import finished."
    elif not goes_on:
        job.state, job.result, job.message = "ERROR", "FAILURE", f"The import failed: {job.errors[0]['errorMessage']}"
        work.counters = {}
    elif is_aborted:
        job.state, job.result, job.message = "ERROR", "ABORTED", "The import was aborted: too many errors."
    else:
        job.state, job.result, job.message = "COMPLETED", "COMPLETED_WITH_ERROR", f"Import finished with {len(job.errors)} errors."
    job.counters = work.counters


class _Undone(Exception):
    pass


class _Work:
    def __init__(self, fake, user, job):
        self.fake, self.catalogue, self.job = fake, fake.catalogue, job
        self.request = Request(fake=fake, user=user)
        self.counters = {kind: {"added": 0, "updated": 0, "removed": 0} for kind in ("ASSET", "ATTRIBUTE")}

    def all(self, goes_on):
        """Each command in a transaction of its own; whether there were too many failures to go on."""
        for index, command in enumerate(self.job.commands):
            before = {kind: dict(counts) for kind, counts in self.counters.items()}
            try:
                with self.catalogue.transaction():
                    self.one(index, command)
            except (Failure, Refusal) as failure:
                self.counters = before
                self.note(index, command, failure)
                if goes_on and len(self.job.errors) > self.fake.switches.import_failures_maximum:
                    return True
        return False

    def note(self, index, command, failure):
        identifier = command.get("identifier") if isinstance(command, dict) else None
        message = str(failure) if isinstance(failure, Failure) else failure.message
        self.job.errors.append({"errorType": getattr(failure, "kind", "VALIDATION"), "resourceType": "ASSET", "errorMessage": message,
                                "command": {"indices": [index], "identifier": json.dumps(identifier)}})

    def count(self, kind, what, number=1):
        self.counters[kind][what] += number

    def one(self, index, command):
        check(command)
        identifier = _identifier(command["identifier"])
        if index in self.job.conflicts:
            raise Failure("importCommandConcurrent", "Another job changes this asset.", "RUNTIME")
        self.spoil(command)
        row = self.find(identifier)
        row = self.create(identifier, command) if row is None else self.change(row, identifier, command)
        for name, values in command.get("attributes", {}).items():
            self.set_values(row, name, values)
        if command.get("tags"):
            tags = tuple(dict.fromkeys(row["tags"] + tuple(command["tags"])))
            row = self.catalogue.assets.put({**self.catalogue.assets.get(row["id"]), "tags": tags})

    def spoil(self, command):
        """Failures that a test ordered."""
        name = command["identifier"].get("name", command["identifier"].get("id", ""))
        for order in self.fake.spoiled:
            if order["times"] > 0 and fnmatch.fnmatchcase(name, order["name"]):
                order["times"] -= 1
                raise Failure("importCommandSpoiled", order["message"], order["kind"])

    def find(self, identifier):
        if "id" in identifier:
            row = self.catalogue.assets.get(identifier["id"])
            if row is None:
                raise Failure("importCommandResourceNotFound", f"There is no asset {identifier['id']}.")
            return row
        found = self.catalogue.assets.find("name", (_domain(self.catalogue, identifier["domain"])["id"], identifier["name"]))
        return found[0] if found else None

    def type_and_status(self, command):
        """Members of a change that the command's type and status stand for."""
        members = {}
        if "type" in command:
            members["typeId"] = _reference(self.fake, self.catalogue.asset_types, command["type"], "asset type")["id"]
        if "status" in command:
            members["statusId"] = _reference(self.fake, self.catalogue.statuses, command["status"], "status")["id"]
        return members

    def create(self, identifier, command):
        item = {"name": command.get("name", identifier["name"]), "domainId": _domain(self.catalogue, command.get("domain", identifier["domain"]))["id"],
                **self.type_and_status(command)}
        self.check_identified_by(identifier, item["name"], item["domainId"])
        if "typeId" not in item:
            raise Failure("importCommandResourceTypeInvalid", "A new asset needs a type.")
        if not 1 <= len(item["name"]) <= 2000 or not 1 <= len(command.get("displayName", "x")) <= 2000:
            raise Failure("importCommandInvalid", "Names have 1 to 2000 characters.")
        if "displayName" in command:
            item["displayName"] = command["displayName"]
        self.count("ASSET", "added")
        return assets.add_asset(self.request, item)

    def change(self, row, identifier, command):
        name = command.get("name", row["name"])
        domain = _domain(self.catalogue, command["domain"])["id"] if "domain" in command else row["domain"]
        self.check_identified_by(identifier, name, domain)
        item = {"name": name, "domainId": domain, **self.type_and_status(command)}
        if "displayName" in command:
            item["displayName"] = command["displayName"]
        members = {"domainId": "domain", "typeId": "type", "statusId": "status"}
        if all(row[members.get(key, key)] == value for key, value in item.items()):
            return row
        self.count("ASSET", "updated")
        return assets.change_asset(self.request, row, item)

    def check_identified_by(self, identifier, name, domain):
        """What an asset is identified by cannot be changed by the same command: done again it would find another one."""
        if "name" in identifier and (name != identifier["name"] or domain != _domain(self.catalogue, identifier["domain"])["id"]):
            raise Failure("importCommandNotIdempotent", "The command changes what it identifies the asset by.")

    def set_values(self, row, name, values):
        catalogue = self.catalogue
        attribute_type = catalogue.attribute_types.get(name) or next(iter(catalogue.attribute_types.find("name", name)), None)
        if attribute_type is None:
            raise Failure("importCommandResourceNotFound", f"There is no attribute type {name}.")
        old = len(catalogue.attributes.find("of", (row["id"], attribute_type["id"])))
        if not attributes.set_attributes(self.request, row, attribute_type, [self.value(attribute_type, value) for value in values]):
            return
        self.count("ATTRIBUTE", "added", max(0, len(values) - old))
        self.count("ATTRIBUTE", "updated", min(len(values), old))
        self.count("ATTRIBUTE", "removed", max(0, old - len(values)))

    def value(self, attribute_type, given):
        if "value" in given and "values" in given or not given.keys() & {"value", "values"}:
            raise Failure("importCommandInvalid", f"{attribute_type['name']}: either value or values.")
        if attribute_type["kind"] == "MULTI_VALUE_LIST":
            return given.get("values", [given.get("value")])
        if "value" not in given:
            raise Failure("importCommandInvalid", f"{attribute_type['name']} takes a value, not values.")
        if attribute_type["kind"] == "DATE":
            form = "millis" if re.fullmatch(r"-?\d+", given["value"]) else "iso"
            if self.fake.switches.import_date not in ("any", form):
                raise Failure("importCommandInvalid", f"{attribute_type['name']}: the date {given['value']!r} cannot be read.")
        return given["value"]


# The parts of a command

_compiled = {}


def check(command):
    """The command against the contract's AssetImportCommand."""
    if not isinstance(command, dict) or command.get("resourceType") != "Asset":
        kind = command.get("resourceType") if isinstance(command, dict) else None
        raise Failure("importCommandResourceTypeInvalid", f"The fake Collibra imports assets only, not {kind!r}.")
    if "AssetImportCommand" not in _compiled:
        _compiled["AssetImportCommand"] = CONTRACT.compile("import", "AssetImportCommand")
    try:
        _compiled["AssetImportCommand"](command)
    except fastjsonschema.JsonSchemaException as error:
        raise Failure("importCommandInvalid", error.message.replace("data", "command", 1)) from None
    if not command.get("identifier"):
        raise Failure("importCommandIdentifierNotDefined", "The command has no identifier.")
    for member in ("relations", "responsibilities"):
        if command.get(member):
            raise Failure("importCommandInvalid", f"The fake Collibra does not import {member}.")


def _identifier(identifier):
    ways = [bool(identifier.get("id")), bool(identifier.get("name") or identifier.get("domain")),
            bool(identifier.get("externalSystemId") or identifier.get("externalEntityId"))]
    if sum(ways) != 1:
        code = "importCommandIdentifierAmbiguous" if any(ways) else "importCommandIdentifierNotDefined"
        raise Failure(code, "An asset is identified by its id, or its name and domain, or an external system and entity.")
    if ways[2]:
        raise Failure("importCommandResourceNotFound", "The fake Collibra does not cover external identifiers.")
    if ways[1] and not (identifier.get("name") and identifier.get("domain")):
        raise Failure("importCommandIdentifierNotDefined", "A name needs a domain.")
    return identifier


def _domain(catalogue, identifier):
    if identifier.get("id"):
        row = catalogue.domains.get(identifier["id"])
    else:
        community = identifier.get("community") or {}
        found = [catalogue.communities.get(community["id"])] if community.get("id") else catalogue.communities.find("name", community.get("name"))
        found = [domain for row in found if row for domain in catalogue.domains.find("name", (row["id"], identifier.get("name")))]
        row = found[0] if found else None
    if row is None:
        raise Failure("importCommandResourceNotFound", f"There is no domain {identifier.get('id') or identifier.get('name')}.")
    return row


def _reference(fake, table, given, noun):
    """A type or status by id, public id or name."""
    if given.get("id"):
        row = table.get(given["id"]) if re.match(UUID, given["id"]) else None
    elif given.get("publicId") and fake.switches.public_ids == "on":
        row = next(iter(table.find("public_id", given["publicId"])), None)
    else:
        row = next(iter(table.find("name", given.get("name"))), None)
    if row is None:
        raise Failure("importCommandResourceNotFound", f"There is no {noun} {given}.")
    return row

# SPDX-License-Identifier: Apache-2.0
"""Snowflake's SQL API v2, by snowflake-rest-api-specs' sqlapi.yaml and its guides: POST /api/v2/statements, GET /api/v2/statements/{handle}.

Refused: a missing User-Agent (391903), Accept or Content-Type; a token that is not signed by the user's key, of another issuer, or longer good than an hour;
members of the body that the API does not have; a requestId that is no UUID, or that stands for another statement; tables, warehouses and
identifiers that are not there. Of SQL it knows one statement, by its words: MERGE of the rows of a bound JSON array that the table has not. A
requestId that was executed gives its result again, without being executed. Not covered: SQL itself, types, transactions."""
import base64
import hashlib
import json
import re
import subprocess
import tempfile
import time
import urllib.parse
import uuid

from fakes.alert_endpoint import AlertEndpoint, strict

MERGE = re.compile(r'MERGE INTO ((?:"(?:[^"]|"")+"\.){0,2}"(?:[^"]|"")+") AS t USING \(SELECT .* AS s ON t\.event_id = s\.event_id WHEN NOT MATCHED THEN '
                   r'INSERT \(([a-z_, ]+)\) VALUES \(([a-z_., ]+)\)', re.S)
MEMBERS = {"statement", "timeout", "database", "schema", "warehouse", "role", "bindings", "parameters"}


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class FakeSnowflake(AlertEndpoint):
    def __init__(self, port=0, public_key=None, subject="MYORG-ACCOUNT.GENOPS", token=None):
        super().__init__(port)
        self.public_key, self.subject, self.token = public_key, subject, token
        self.tables, self.results, self.running, self.n_rows_given = {'"GENOPS_AUDIT_TRAIL"': {}}, {}, {}, 0
        self.polls = 0                    # how often a statement is still running when it is asked about
        self.has_warehouse, self.poison = True, None

    def failure(self, status, code, state, message):
        return status, {"code": code, "sqlState": state, "message": message, "statementHandle": str(uuid.uuid4())}

    def answer(self, request):
        status, body = self.refusal(request) or self.answered(request)
        return status, {"content-type": "application/json"}, body

    def refusal(self, request):
        if not request.headers["user-agent"]:
            return self.failure(400, "391903", "", "The User-Agent header is missing")
        if request.headers["accept"] not in ("application/json", "*/*") or (request.method == "POST" and request.headers["content-type"] != "application/json"):
            return self.failure(415, "391917", "", "Unsupported media type")
        kind, bearer = request.headers["x-snowflake-authorization-token-type"], request.headers["authorization"] or ""
        if not bearer.startswith("Bearer ") or kind not in ("KEYPAIR_JWT", "OAUTH", "PROGRAMMATIC_ACCESS_TOKEN"):
            return self.failure(401, "390101", "08001", "Authorization header not found in the request data.")
        if kind == "KEYPAIR_JWT":
            fault = self.fault_of(bearer[7:])
            return self.failure(401, "390144", "08001", f"JWT token is invalid. [{fault}]") if fault else None
        return None if self.token and bearer[7:] == self.token else self.failure(401, "390318", "08001", "Authorization token has expired.")

    def fault_of(self, token):
        head, claims, signature = token.split(".")
        if json.loads(decode(head)) != {"alg": "RS256", "typ": "JWT"}:
            return "header"
        said, now = json.loads(decode(claims)), time.time()
        der = subprocess.run(["openssl", "pkey", "-pubin", "-in", self.public_key, "-outform", "DER"], capture_output=True, check=True).stdout
        fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
        if said["iss"] != f"{self.subject}.{fingerprint}" or said["sub"] != self.subject:
            return "issuer"
        if not now - 60 < said["iat"] <= now + 60 or not now < said["exp"] <= said["iat"] + 3600:
            return "times"
        with tempfile.NamedTemporaryFile() as file:
            file.write(decode(signature))
            file.flush()
            done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", self.public_key, "-signature", file.name], input=f"{head}.{claims}".encode(), capture_output=True)
        return None if done.returncode == 0 else "signature"

    def answered(self, request):
        url = urllib.parse.urlsplit(request.path)
        if request.method == "GET" and (handle := url.path.removeprefix("/api/v2/statements/")) != url.path:
            return self.told(handle)
        if url.path != "/api/v2/statements" or request.method != "POST":
            return self.failure(404, "390404", "", "not found")
        query, body = dict(urllib.parse.parse_qsl(url.query)), strict(request.body.decode())
        if set(body) - MEMBERS or not set(query) <= {"requestId", "retry", "async", "nullable"}:
            return self.failure(400, "391902", "", "Invalid request body")
        if body["statement"] == "SELECT CURRENT_ROLE()":
            return 200, {"code": "090001", "message": "Statement executed successfully.", "data": [["GENOPS"]], "statementHandle": str(uuid.uuid4())}
        key = str(uuid.UUID(query["requestId"]))
        if key in self.results and self.results[key][0] != request.body:
            return self.failure(400, "391906", "", "requestId was used for another statement")
        if key not in self.results:
            handle = str(uuid.uuid4())
            self.results[key] = (request.body, handle, self.execute(body, handle))
            self.running[handle] = (self.polls, self.results[key][2])
        return self.told(self.results[key][1])

    def told(self, handle):
        if handle not in self.running:
            return self.failure(404, "391918", "", "statement not found")
        left, result = self.running[handle]
        self.running[handle] = (max(left - 1, 0), result)
        if left:
            return 202, {"code": "333334", "message": "Asynchronous execution in progress.", "statementHandle": handle, "statementStatusUrl": f"/api/v2/statements/{handle}"}
        return result

    def execute(self, body, handle):
        match = MERGE.match(body["statement"])
        assert match and set(body["bindings"]) == {"1"} and body["bindings"]["1"]["type"] == "TEXT", body["statement"]
        columns = match[2].split(", ")
        assert match[3] == ", ".join(f"s.{column}" for column in columns)
        if not self.has_warehouse:
            return self.failure(422, "000606", "57P03", "No active warehouse selected in the current session.")
        if (table := self.tables.get(match[1])) is None:
            return self.failure(422, "002003", "42S02", f"SQL compilation error:\nObject '{match[1]}' does not exist or not authorized.")
        rows = strict(body["bindings"]["1"]["value"])
        if self.poison and self.poison in json.dumps(rows):
            return self.failure(422, "100069", "22P02", "Error parsing JSON: duplicate object attribute")
        self.n_rows_given += len(rows)
        new = 0
        for row in rows:
            assert set(row) <= set(columns), row
            new += row["event_id"] not in table
            table.setdefault(row["event_id"], row)
        return 200, {"code": "090001", "message": "Statement executed successfully.", "statementHandle": handle, "data": [[str(new)]]}

    def rows(self, table='"GENOPS_AUDIT_TRAIL"'):
        with self.lock:
            return list(self.tables[table].values())

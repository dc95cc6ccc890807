# SPDX-License-Identifier: Apache-2.0
"""The control channel for tests outside this process: /control/..., apart from everything that Collibra serves. JSON both ways; not
counted, never faulty, no login (the port is a loopback one). README.md lists the calls."""
import json

from .dispatch import json_answer
from .refusal import Refusal


def _calls(fake, _):
    return {"by_operation": fake.calls.by_operation(), "in_each_second": fake.calls.in_each_second(), "most_in_a_second": fake.calls.most_in_a_second(),
            "most_at_once": fake.calls.most_at_once, "bytes_received": fake.calls.bytes_received(), "bytes_sent": fake.calls.bytes_sent()}


def _log(fake, _):
    return [{"number": call.number, "method": call.method, "path": call.path, "query": call.query, "operation": call.operation, "status": call.status,
             "fault": call.fault, "body": call.body.decode(errors="replace")} for call in fake.calls.all()]


def _fault(fake, body):
    fake.fault(**body)
    return {"waiting": len(fake.faults.waiting())}


def _switches(fake, body):
    fake.switches.set(**{name: tuple(value) if isinstance(value, list) else value for name, value in (body or {}).items()})
    return fake.switches.as_dict()


def _policy(fake, body):
    action = body.pop("do", "create")
    return {"id": getattr(fake, f"{action}_policy")(**body)}


# method and path -> function(fake, body)
ROUTES = {
    "GET /control/calls": _calls,
    "GET /control/log": _log,
    "DELETE /control/calls": lambda fake, _: fake.calls.clear(),
    "POST /control/faults": _fault,
    "DELETE /control/faults": lambda fake, _: fake.faults.clear(),
    "GET /control/switches": lambda fake, _: fake.switches.as_dict(),
    "PUT /control/switches": _switches,
    "GET /control/assets": lambda fake, _: fake.assets(),
    "GET /control/jobs": lambda fake, _: fake.jobs(),
    "POST /control/jobs/next": lambda fake, body: fake.next_job(**body),
    "POST /control/jobs/spoil": lambda fake, body: fake.spoil(**body),
    "GET /control/types": lambda fake, _: {"assetTypes": fake.asset_types(), "attributeTypes": fake.attribute_types()},
    "GET /control/defects": lambda fake, _: fake.defects,
    "POST /control/domains": lambda fake, body: {"id": fake.create_domain(**body)},
    "POST /control/types": lambda fake, body: fake.create_types(**(body or {})),
    "POST /control/policies": _policy,
    "POST /control/tokens": lambda fake, body: {"token": fake.issue_token(**(body or {}))},
    "POST /control/permissions": lambda fake, body: fake.permit(*body),
    "POST /control/clock": lambda fake, body: fake.advance(body["seconds"]),
}


def answer(fake, method, path, body):
    function = ROUTES.get(f"{method} {path}")
    if function is None:
        return json_answer(404, {"error": f"there is no {method} {path}", "there_are": sorted(ROUTES)})
    try:
        found = function(fake, json.loads(body) if body else None)
        return json_answer(200, {} if found is None else found)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, Refusal) as error:
        return json_answer(400, {"error": str(error)})

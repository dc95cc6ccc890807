# SPDX-License-Identifier: Apache-2.0
"""The whole Cribl guide at once: its four pipelines, its lookups, its five destinations as documents and the eight that it only names, behind one
`genops serve`, which is killed in the middle. Each destination has what the routes' filters say, once.

What filters say is asked of `genops pipeline test`, which sends nothing. Proves: CRB-001, CRB-005, CRB-072, CRB-310, C-24.
"""
import json
import pathlib
import random
import re
import signal
import time

import pytest
import yaml

import gateway as gateways
import receivers
from chaos_stage import wait_for
from fakes.cribl_lake import API_TOKEN, TOKEN as LAKE_TOKEN, FakeLake
from fakes.datadog import KEY as DATADOG_KEY, FakeDatadog
from fakes.elasticsearch import FakeElasticsearch
from fakes.pagerduty import KEY as PAGERDUTY_KEY, FakePagerDuty
from fakes.remote_write import FakeRemoteWrite
from fakes.s3 import ACCESS, SECRET, FakeS3
from fakes.slack import FakeSlack
from fakes.snowflake import FakeSnowflake
from fakes.splunk import TOKEN as SPLUNK_TOKEN, FakeSplunk
from fakes.alert_endpoint import AlertEndpoint
from receivers import post
from test_out_s3 import span

TESTS = pathlib.Path(__file__).resolve().parents[2]
GUIDE, SHIPPED = TESTS / "guide", TESTS.parent / "data" / "pipelines"
BUCKETS = {"s3_cost_bucket": "costs", "s3_compliance_bucket": "compliance", "s3_compliance_standard": "standard",
           "s3_compliance_glacier": "company-genops-compliance-audit"}


class Everything:
    """All fakes, and how many events each of the guide's destinations has taken."""

    def __init__(self):
        self.datadog, self.splunk, self.s3, self.slack, self.lake = FakeDatadog(), FakeSplunk(), FakeS3(), FakeSlack(), FakeLake()
        self.elastic, self.pagerduty, self.snowflake = FakeElasticsearch(), FakePagerDuty(), FakeSnowflake(token="pat-token")
        self.prometheus, self.webhook = FakeRemoteWrite(), AlertEndpoint()
        for name in set(BUCKETS.values()) - {self.s3.bucket}:
            self.s3.make(name, lock=name == "standard")

    def close(self):
        for fake in (self.datadog, self.splunk, self.s3, self.slack, self.lake, self.elastic, self.pagerduty, self.snowflake, self.prometheus, self.webhook):
            fake.close()

    def environment(self):
        return {"DATADOG_API_KEY": DATADOG_KEY, "SPLUNK_HEC_TOKEN": SPLUNK_TOKEN, "PAGERDUTY_ROUTING_KEY": PAGERDUTY_KEY, "AWS_ACCESS_KEY_ID": ACCESS,
                "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL_S3": self.s3.url, "AWS_ENDPOINT_URL_STS": self.s3.url, "AWS_REGION": "us-east-1",
                "CRIBL_LAKE_URL": self.lake.url, "CRIBL_LAKE_TOKEN": LAKE_TOKEN, "CRIBL_API_URL": self.lake.url, "CRIBL_API_TOKEN": API_TOKEN}

    def documents(self):
        text = "\n---\n".join(path.read_text() for path in sorted((GUIDE / "destinations").glob("*.yaml")))
        for old, new in {"https://api.datadoghq.com": self.datadog.url, "https://splunk.company.com:8088": self.splunk.url,
                         "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXX": self.slack.url}.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        text = re.sub(r"flush_interval: \d+s", "flush_interval: 1s", text)
        s3 = [{"id": name, "type": "s3", "bucket": bucket, "region": "us-east-1", "flush_interval": "1s"}
              for name, bucket in BUCKETS.items() if bucket != self.s3.bucket]
        others = [
            {"id": "prometheus_remote_write", "type": "prometheus_remote_write", "url": f"{self.prometheus.url}/api/v1/write", "push_interval": "1s"},
            {"id": "elasticsearch_security", "type": "elasticsearch", "endpoint": self.elastic.url, "index": "violations"},
            {"id": "webhook_alerts", "type": "webhook", "url": self.webhook.url},
            {"id": "pagerduty_events", "type": "pagerduty", "url": self.pagerduty.url},
            {"id": "snowflake_audit_db", "type": "snowflake", "account": "myorg-account", "endpoint": self.snowflake.url, "token": "pat-token",
             "warehouse": "AUDIT_WH"}]
        common = {"retry_interval": "50ms", "retry_backoff": "constant"}
        return text + "".join("\n---\n" + yaml.safe_dump({"flush_interval": "1s", **one, **common}) for one in s3 + others)

    def lines(self, bucket):
        return sum(one["Body"].read().count(b"\n") if not key.endswith("gz") else self.inflated(one) for key, one in self.s3.objects(bucket).items())

    @staticmethod
    def inflated(one):
        import gzip
        return gzip.decompress(one["Body"].read()).count(b"\n")

    def taken(self):
        counts = {name: self.lines(bucket) for name, bucket in BUCKETS.items()}
        counts.update(splunk_hec=len(self.splunk.events), slack_webhook=len(self.slack.taken()), elasticsearch_security=self.elastic.n_created,
                      webhook_alerts=len(self.webhook.taken()), pagerduty_events=len(self.pagerduty.taken()), snowflake_audit_db=len(self.snowflake.rows()),
                      cribl_lake=sum(len(events) for events in self.lake.events.values()))
        return counts


def spans(seed):
    """Some of everything: costs, verdicts, budgets, audits; values of all sizes, names that JSON does not like."""
    chance = random.Random(seed)
    found = []
    for n in range(160):
        attributes = {"genops.team": chance.choice(["ml-platform", 'te"am', "naïve ✓"]), "genops.project": "p", "genops.customer_id": f"customer-{n % 5}",
                      "genops.environment": chance.choice(["production", "staging", "development"])}
        if n % 4 == 0:
            attributes.update({"genops.cost.total": chance.choice([0.001, 0.7, 6.5, 42.0]), "genops.cost.provider": "openai", "genops.cost.model": "gpt-4o"})
        if n % 4 == 1:
            attributes.update({"genops.policy.name": chance.choice(["pii", "cost_limit"]), "genops.policy.result": chance.choice(["blocked", "warning", "allowed"]),
                               "genops.policy.reason": 'said "no"\n'})
        if n % 4 == 2:
            used = chance.choice([10.0, 85.0, 95.0, 101.0])
            attributes.update({"genops.budget.name": f"b{n}", "genops.budget.limit": 100.0, "genops.budget.used": used, "genops.budget.remaining": 100.0 - used})
        if n % 4 == 3:
            attributes.update({"genops.compliance.framework": chance.choice(["HIPAA", "GDPR", "SOC2"]), "genops.compliance.data_class": "phi"})
        one = span(attributes, f"operation {n}")
        found.append({**one, "traceId": f"{chance.getrandbits(128):032x}", "spanId": f"{n + 1:016x}"})
    return found


def request(found):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": found}]}]}).encode()


def expected(folder, routes):
    """Events of each destination by what `genops pipeline test` counts."""
    done = gateways.genops("pipeline", "test", "--input", folder / "spans.json", "--json", config=folder / "genops.yaml", state=folder / "other",
                           env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])["counts"]
    found = dict.fromkeys(routes.values(), 0)
    for one in counts:
        if one["name"].startswith("route "):
            found[routes[one["pipeline"], one["name"].removeprefix("route ")]] += one["matched"]
    return found


ENVIRONMENT = {}


@pytest.mark.parametrize("documents", ["guide", "shipped"])
def test_everything_at_once(tmp_path, documents):
    pipelines = sorted((GUIDE / "pipelines").glob("*.yaml") if documents == "guide" else SHIPPED.glob("genops-*.yaml"))
    routes = {(one["id"], route["name"]): route["destination"] for path in pipelines for one in yaml.safe_load_all(path.read_text())
              for route in one["routes"]}
    everything = Everything()
    ENVIRONMENT.clear()
    ENVIRONMENT.update(everything.environment())
    (tmp_path / "destinations.yaml").write_text(everything.documents())
    (tmp_path / "spans.json").write_bytes(request(spans(7)))
    lookups = "\n".join(f"- {{id: {name}, file: '{SHIPPED}/{name}.csv'}}" for name in ("customer_budgets", "team_metadata", "model_pricing"))
    text = ("receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\ndestinations: destinations.yaml\npipelines:\n" +
            "".join(f"- {path}\n" for path in pipelines) + f"lookups:\n{lookups}\n")
    running = receivers.Serve(tmp_path, text, env=ENVIRONMENT)
    try:
        found = spans(7)
        for first in range(0, len(found), 10):
            assert post(running.http, body=request(found[first:first + 10]), headers=receivers.JSON).status == 200
            if first == 80:
                time.sleep(0.7)  # so that some destinations are in the middle of it
                running.stop(signal.SIGKILL)
                running = receivers.Serve(tmp_path, text, env=ENVIRONMENT)
        want = expected(tmp_path, routes)
        counted = {name: n for name, n in want.items() if name not in ("datadog_metrics_dest", "prometheus_remote_write")}
        assert sum(n > 0 for n in counted.values()) >= 9, counted
        wait_for(lambda: all(everything.taken().get(name, 0) >= n for name, n in counted.items()), 40,
                 lambda: (want, everything.taken(), running.log[-5:]))
        # In totals an event counts for those that sampling has left out.
        cost = sum(event["cost_total"] * event.get("sampled", 1) for event in everything.lake.events["genops_cost"] if event.get("cost_total") is not None)
        assert cost > 0
        wait_for(lambda: everything.prometheus.total("genops_cost_total") >= cost * 0.999, 10, lambda: everything.prometheus.series)
        time.sleep(1.2)  # for what would come twice
        # Who has no word for "this came before" may have been asked when the kill came.
        taken = {name: n - (name in ("slack_webhook", "webhook_alerts", "pagerduty_events") and n == counted[name] + 1)
                 for name, n in everything.taken().items() if name in counted}
        assert taken == counted
        assert everything.prometheus.total("genops_cost_total") == pytest.approx(cost)
        assert not (tmp_path / "state" / "dead-letter.jsonl").exists(), (tmp_path / "state" / "dead-letter.jsonl").read_text()[:2000]
    finally:
        running.stop()
        everything.close()

# SPDX-License-Identifier: Apache-2.0
"""Cribl Lake: the guide's document and routes as they are written, through a real `genops serve`, at a fake that refuses what the Lake refuses.

Proves: CRB-106, CRB-166, CRB-191, CRB-299..304, CRB-305..308, A-101, A-102, A-103.
"""
import datetime
import signal

import pytest
import yaml

import gateway as gateways
from chaos_stage import wait_for
from fakes.cribl_lake import API_TOKEN, TOKEN, FakeLake
from test_out_s3 import GUIDE, pipeline, send, serve, span  # noqa: F401 - serve is a fixture

GUIDE_LAKE = (GUIDE / "destinations/cribl_lake.yaml").read_text()
NAMES = ("genops_cost", "genops_policy", "genops_budgets", "genops_audit")


def lake(**settings):
    return yaml.safe_dump({"id": "lake", "type": "cribl_lake", "flush_interval": "50ms", "retry_interval": "20ms", "retry_backoff": "constant", **settings})


def env(fake, **more):
    return {"CRIBL_LAKE_URL": fake.url, "CRIBL_LAKE_TOKEN": TOKEN, **more}


def others(text, *own):
    names = {route["destination"] for route in yaml.safe_load(text)["routes"]} - set(own)
    return [f"id: {name}\ntype: file\npath: out/{name}\n" for name in sorted(names)]


def events(fake, dataset="d"):
    return [event["title"] for event in fake.events.get(dataset, [])]


def test_the_guides_document_and_routes(serve):
    """Two of the pipelines that lead there; datasets are made as the document says, from its management API."""
    texts = [(GUIDE / f"pipelines/{name}.yaml").read_text() for name in ("genops-budget-alerting", "genops-audit-trail")]
    beside = sorted({text for document in texts for text in others(document, "cribl_lake")})
    with FakeLake() as fake:
        fake.datasets["genops_policy"] = {"id": "genops_policy", "retentionPeriodInDays": 30, "httpDAUsed": True, "format": "json"}
        running = serve(fake, [GUIDE_LAKE, *beside], texts, **env(fake, CRIBL_API_URL=fake.url, CRIBL_API_TOKEN=API_TOKEN))
        send(running, span({"genops.budget.name": "ml", "genops.budget.limit": 100.0, "genops.budget.used": 95.0, "genops.budget.remaining": 5.0,
                            "genops.team": "nlp"}),
             span({"genops.compliance.framework": "HIPAA", "genops.team": "care"}))
        wait_for(lambda: len(fake.events) == 2, 12, lambda: (fake.events, [(r.method, r.path, r.status) for r in fake.requests], running.log))
        assert [fake.datasets[name]["retentionPeriodInDays"] for name in NAMES] == [90, 365, 180, 2555]
        assert fake.datasets["genops_audit"]["format"] == "parquet"
        assert fake.datasets["genops_audit"]["acceleratedFields"] == ["compliance_framework", "year", "customer_id", "team", "environment"]
        (audit,), (budget,) = fake.events["genops_audit"], fake.events["genops_budgets"]
        assert audit["compliance_framework"] == "HIPAA" and audit["year"] == str(datetime.datetime.now(datetime.timezone.utc).year)
        assert budget["budget_name"] == "ml" and budget["team"] == "nlp" and "environment" in budget
        assert isinstance(audit["_time"], float) and len(audit["genops_event_id"]) == 16
        assert all(post.headers["content-encoding"] == "gzip" for post in fake.posts())


def test_without_the_management_api_it_is_told(tmp_path):
    (tmp_path / "genops.yaml").write_text(f"destinations: {GUIDE}/destinations/cribl_lake.yaml")
    told = gateways.genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state",
                           env={"CRIBL_LAKE_URL": "https://x.cribl.cloud:10080", "CRIBL_LAKE_TOKEN": "t"})
    assert "are not set from here" in told.stdout and "api_url" in told.stdout
    told = gateways.genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state")
    assert told.returncode == 2 and "CRIBL_LAKE_URL" in told.stdout + told.stderr


def test_partitions_do_not_share_a_request(serve):
    with FakeLake(["d"]) as fake:
        running = serve(fake, [lake(datasets=[{"name": "d", "partition_by": "team, year"}])], [pipeline("lake")], **env(fake))
        send(running, *[span({"genops.title": f"{i}", "genops.team": f"t{i % 3}"}) for i in range(12)])
        wait_for(lambda: len(events(fake)) == 12, 10, lambda: running.log)
        for post in fake.posts():
            assert len({event["team"] for event in post.events}) == 1
        assert sorted(events(fake), key=int) == [str(i) for i in range(12)]


def test_a_route_can_want_it_kept_for_longer(serve):
    with FakeLake(["d"]) as fake:
        running = serve(fake, [lake(datasets=[{"name": "d", "retention": "90 days"}], api_url=fake.url, api_token="${T}")],
                        [pipeline("lake", retention="7 years")], **env(fake, T=API_TOKEN))
        send(running, span({"genops.title": "a"}))
        wait_for(lambda: events(fake) == ["a"], 10, lambda: running.log)
        assert fake.datasets["d"]["retentionPeriodInDays"] == 2555
        running.stop()
        running = serve(fake, [lake(datasets=[{"name": "d", "retention": "90 days"}], api_url=fake.url, api_token="${T}")], [pipeline("lake")],
                        **env(fake, T=API_TOKEN))
        send(running, span({"genops.title": "b"}))
        wait_for(lambda: events(fake) == ["a", "b"], 10, lambda: running.log)
        assert fake.datasets["d"]["retentionPeriodInDays"] == 2555  # never shorter


@pytest.mark.parametrize("answer", [(429, {}, b""), (429, {"retry-after": "1"}, b""), (500, {}, b"x"), (503, {}, b""), "hang"],
                         ids=["429", "retry-after", "500", "503", "hang"])
def test_nothing_is_lost(serve, answer):
    with FakeLake(["d"]) as fake:
        fake.script = [answer]
        running = serve(fake, [lake(dataset="d", timeout="1s")], [pipeline("lake")], **env(fake))
        send(running, span({"genops.title": "a"}))
        wait_for(lambda: events(fake) == ["a"], 10, lambda: running.log)
        assert len(fake.posts()) == 2


def test_an_answer_that_got_lost_can_be_told(serve):
    """The Lake has no ids: the event is there twice, with one genops_event_id."""
    with FakeLake(["d"]) as fake:
        fake.script = ["cut"]
        running = serve(fake, [lake(dataset="d")], [pipeline("lake")], **env(fake))
        send(running, span({"genops.title": "a"}))
        wait_for(lambda: events(fake) == ["a", "a"], 10, lambda: running.log)
        assert len({event["genops_event_id"] for event in fake.events["d"]}) == 1


def test_what_somebody_has_to_mend_waits_over_a_restart(serve):
    with FakeLake() as fake:
        running = serve(fake, [lake(dataset="d")], [pipeline("lake")], **env(fake))
        send(running, span({"genops.title": "a"}))
        wait_for(lambda: any("Direct Access" in line for line in running.log), 10, lambda: running.log)
        running.stop(signal.SIGKILL)
        fake.datasets["d"] = {"httpDAUsed": True}
        assert TOKEN not in "".join(running.log)
        running = serve(fake, [lake(dataset="d")], [pipeline("lake")], **env(fake))
        wait_for(lambda: events(fake) == ["a"], 10, lambda: running.log)


@pytest.mark.parametrize("settings, route, message", [
    ({"datasets": [{"name": f"d{i}"} for i in range(11)]}, {}, "at most 10"), ({"datasets": [{"name": "cribl_logs"}]}, {}, "cribl_logs"),
    ({"datasets": [{"name": "d", "retention": "11 years"}]}, {}, "11 years"), ({"datasets": [{"name": "d"}, {"name": "d"}]}, {}, "two datasets"),
    ({"datasets": [{"name": "d", "nonsense": 1}]}, {}, "nonsense"), ({"datasets": [{"name": "d"}]}, {"dataset": "e"}, "no dataset"),
    ({}, {"dataset": "1x"}, "not a dataset's name"), ({}, {"retention": "for ever"}, "retention"), ({}, {"table": "t"}, "table"),
    ({"compression": "lzo"}, {}, "compression"), ({"url": "lake:1"}, {}, "not an address"), ({"api_url": "https://a"}, {}, "api_token")])
def test_faults_of_the_configuration(tmp_path, settings, route, message):
    (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"destinations": [yaml.safe_load(lake(**settings))],
                                                          "pipelines": [yaml.safe_load(pipeline("lake", **route))]}))
    told = gateways.genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state",
                           env={"CRIBL_LAKE_URL": "https://x.cribl.cloud:10080", "CRIBL_LAKE_TOKEN": "t"})
    assert told.returncode == 2 and message in told.stdout + told.stderr, told.stdout + told.stderr

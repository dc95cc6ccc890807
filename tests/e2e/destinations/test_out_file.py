# SPDX-License-Identifier: Apache-2.0
"""Destination file: JSON lines that are rotated and compressed, Parquet that pyarrow reads; killed anywhere, every event is there once.

Proves: CRB-305, CRB-306 (an independent reader); CRB-009 console as a document.
"""
import gzip
import json
import os
import pathlib
import random
import signal
import subprocess
import time

import pyarrow.parquet
import pytest
import yaml

import gateway as gateways
from receivers import Serve, post, traces

RECEIVERS = {"otlp": {"protocols": {"http": {"endpoint": "127.0.0.1:0"}}}}
FIELDS = {"name": "fields", "type": "eval", "expressions": [{"cost": "parseFloat(attributes['cost'])"}, {"team": "attributes['genops.team']"}]}


def serve(folder, **document):
    config = {"receivers": RECEIVERS, "destinations": [{"id": "out", "type": "file", "flush_interval": "50ms", **document}],
              "pipelines": [{"id": "p", "processors": [FIELDS], "routes": [{"name": "r", "destination": "out"}]}]}
    return Serve(folder, yaml.safe_dump(config))


def read(path):
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        data = gzip.decompress(data)
    if path.name.endswith(".zst"):
        data = subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout
    return [json.loads(line)["name"] for line in data.splitlines()]


def names(folder, pattern="out*.jsonl*"):
    return sorted(name for path in pathlib.Path(folder).glob(pattern) for name in read(path))


@pytest.mark.parametrize("compression, suffix", [("none", ""), ("gzip", ".gz")])
def test_lines_are_rotated_by_size_and_old_files_go(tmp_path, compression, suffix):
    serving = serve(tmp_path, path=str(tmp_path / f"out.jsonl{suffix}"), compression=compression, batch_size=1, rotation={"max_megabytes": 1, "max_backups": 2, "interval": "300ms"})
    try:
        for i in range(8):
            assert post(serving.http, body=traces(f"s{i}", pad=100000)).status == 200
            time.sleep(0.2)  # the interval is by the events' own time
        gateways.until(lambda: "s7" in names(tmp_path), what="the last event")
        found = sorted(path.name for path in tmp_path.glob("out-*"))
    finally:
        serving.stop()
    assert len(found) == 2 and all(name.endswith(f".jsonl{suffix}") for name in found), found
    assert names(tmp_path)[-1] == "s7" and len(set(names(tmp_path))) == len(names(tmp_path))


def test_killed_at_any_time_every_line_is_there_once(tmp_path):
    chance, sent = random.Random(1), []
    for _ in range(8):
        serving = serve(tmp_path, path=str(tmp_path / "out.jsonl"), rotation={"interval": "200ms"})
        for _ in range(chance.randrange(1, 30)):
            sent.append(f"s{len(sent)}")
            assert post(serving.http, body=traces(sent[-1], pad=chance.randrange(3000))).status == 200
        time.sleep(chance.random() * 0.2)  # somewhere between taking and having written
        serving.stop(signal.SIGKILL)
    serving = serve(tmp_path, path=str(tmp_path / "out.jsonl"), rotation={"interval": "200ms"})
    try:
        gateways.until(lambda: len(names(tmp_path)) >= len(sent), what="all lines")
    finally:
        serving.stop()
    assert names(tmp_path) == sorted(sent)


def test_parquet_with_snappy_is_read_by_arrow(tmp_path):
    serving = serve(tmp_path, path=str(tmp_path / "out.parquet"), format="parquet")
    try:
        assert post(serving.http, body=traces("a", attributes=[("cost", "1.5"), ("genops.team", "ü")])).status == 200
        assert post(serving.http, body=traces("b", attributes=[("cost", "2.25")])).status == 200
        files = gateways.until(lambda: len(rows := parquet(tmp_path)) >= 2 and rows, what="two rows")
    finally:
        serving.stop()
    assert sorted((row["name"], row["cost"], row.get("team"), row["attributes.cost"]) for row in files) == [("a", 1.5, "ü", "1.5"), ("b", 2.25, None, "2.25")]
    metadata = pyarrow.parquet.ParquetFile(next(tmp_path.glob("out-*.parquet"))).metadata
    assert {metadata.row_group(0).column(i).compression for i in range(metadata.num_columns)} == {"SNAPPY"}


def parquet(folder):
    return [row for path in sorted(pathlib.Path(folder).glob("out-*.parquet")) for row in pyarrow.parquet.read_table(path).to_pylist()]


def test_parquet_killed_at_any_time_has_no_torn_file_and_every_row_once(tmp_path):
    chance, sent = random.Random(2), []
    for _ in range(6):
        serving = serve(tmp_path, path=str(tmp_path / "out.parquet"), format="parquet")
        for _ in range(chance.randrange(1, 30)):
            sent.append(f"s{len(sent)}")
            assert post(serving.http, body=traces(sent[-1], pad=chance.randrange(3000))).status == 200
        time.sleep(chance.random() * 0.2)
        serving.stop(signal.SIGKILL)
        parquet(tmp_path)
    serving = serve(tmp_path, path=str(tmp_path / "out.parquet"), format="parquet")
    try:
        gateways.until(lambda: len(parquet(tmp_path)) >= len(sent), what="all rows")
    finally:
        serving.stop()
    assert sorted(row["name"] for row in parquet(tmp_path)) == sorted(sent)


def test_a_directory_that_is_missing_loses_nothing(tmp_path):
    serving = serve(tmp_path, path=str(tmp_path / "later/out.jsonl"), retry_interval="100ms")
    try:
        assert post(serving.http, body=traces("a")).status == 200
        gateways.until(lambda: any("cannot open" in line for line in serving.log), what="a word about it")
        os.mkdir(tmp_path / "later")
        gateways.until(lambda: names(tmp_path / "later") == ["a"], what="the line")
    finally:
        serving.stop()


def test_the_console_as_a_document(tmp_path):
    config = {"receivers": RECEIVERS, "destinations": [{"id": "out", "type": "console"}], "pipelines": [{"id": "p", "routes": [{"name": "r", "destination": "out"}]}]}
    serving = Serve(tmp_path, yaml.safe_dump(config))
    try:
        assert post(serving.http, body=traces("seen")).status == 200
        gateways.until(lambda: any("seen" in line for line in serving.log), what="a line")
    finally:
        serving.stop()


@pytest.mark.parametrize("document, says", [
    ({"format": "parquet", "compression": "gzip"}, "no such compression"), ({"compression": "snappy"}, "no such compression"), ({"headers": {"a": "b"}}, "no headers"),
    ({"format": "parquet", "rotation": {}}, "batch_size"), ({"rotation": {"localtime": True}}, "localtime"), ({"format": "proto"}, "proto")])
def test_settings_that_are_refused(tmp_path, document, says):
    (tmp_path / "genops.yaml").write_text(yaml.safe_dump({"destinations": [{"id": "out", "type": "file", "path": "x", **document}]}))
    done = gateways.genops("validate", config=tmp_path / "genops.yaml", state=tmp_path / "state", home=tmp_path)
    assert done.returncode == 2 and says in done.stdout + done.stderr

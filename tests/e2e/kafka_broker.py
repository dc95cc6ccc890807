# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka itself, one node without ZooKeeper, on a free port; and what lies in its topics, read with kafka-python, which shares nothing with librdkafka.

The broker's jars come from Maven Central, once, into the build directory's folder `kafka` (GENOPS_KAFKA_LIBS: they are there already)."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import kafka

import gateway as gateways
from chaos_stage import free_port

VERSION = "3.9.1"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>genops</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency></dependencies></project>
"""
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def jars():
    """The folder with the broker's jars, or None where there is no Java."""
    if not shutil.which("java"):
        return None
    there = os.environ.get("GENOPS_KAFKA_LIBS")
    if there:
        return pathlib.Path(there)
    folder = pathlib.Path(gateways.BUILD, "kafka")
    libs = folder / f"libs-{VERSION}"
    if libs.is_dir():
        return libs
    if not shutil.which("mvn"):
        return None
    folder.mkdir(exist_ok=True)
    (folder / "pom.xml").write_text(POM)
    aside = folder / f"aside-{os.getpid()}"
    done = subprocess.run(["mvn", "-q", "-B", COPY, f"-DoutputDirectory={aside}"], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    aside.rename(libs)
    return libs


class Broker:
    """`listener`: more lines of server.properties for a second listener, with {port}."""

    def __init__(self, folder, settings="", protocol="PLAINTEXT"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.controller, self.outer = free_port(), free_port(), free_port()
        more = f",OUTER://127.0.0.1:{self.outer}" if settings else ""
        (self.folder / "server.properties").write_text(f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{self.controller}
listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller}{more}
advertised.listeners=PLAINTEXT://127.0.0.1:{self.port}{more}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTER:{protocol}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={self.folder}/data
num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
{settings}
""")
        self.process = None
        self._java("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", "server.properties").wait(60)
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _java(self, *arguments):
        log = open(self.folder / "log", "ab")
        return subprocess.Popen(["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars()}/*", *arguments], cwd=self.folder, stdout=log, stderr=log,
                                stdin=subprocess.DEVNULL)

    def start(self):
        self.process = self._java("kafka.Kafka", "server.properties")
        gateways.until(self._is_up, 60, f"the broker ({self.folder}/log)")

    def _is_up(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, number=signal.SIGTERM):
        if self.process:
            self.process.send_signal(number)
            self.process.wait(30)
        self.process = None

    def read(self, topic, n, seconds=30, then=0.5):
        """The topic's messages from its beginning: at least n, and what comes within `then` seconds behind them."""
        consumer = kafka.KafkaConsumer(topic, bootstrap_servers=self.address, auto_offset_reset="earliest", group_id=None, consumer_timeout_ms=200,
                                       metadata_max_age_ms=300)
        found, deadline = [], time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                found += list(consumer)
                if len(found) >= n and deadline > time.monotonic() + then:
                    deadline = time.monotonic() + then
        finally:
            consumer.close()
        assert len(found) >= n, f"{len(found)} of {n} messages in {topic}"
        return found

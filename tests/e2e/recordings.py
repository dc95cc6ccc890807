# SPDX-License-Identifier: Apache-2.0
"""tests/recorded: real exchanges with providers; tests/samples: written by hand after their references. And what a correct reader
finds in them (expected.tsv)."""
import csv
import json
import os

from gateway import SOURCE
from provider import body_of

FOLDERS = [os.path.join(SOURCE, "tests", name) for name in ("recorded", "samples")]
# Folder of the recordings to the provider's name at the gateway. Azure's base_url has the part of the path that its SDK adds.
SERVED = {"openai": "openai", "azure_openai": "azure", "anthropic": "anthropic", "groq": "groq", "together": "together",
          "deepseek": "deepseek", "mistral": "mistral", "openrouter": "openrouter", "xai": "xai", "fireworks": "fireworks",
          "perplexity": "perplexity"}


class Recording(dict):
    def __init__(self, name, data, expected):
        super().__init__(data)
        self.name, self.expected = name, expected
        self.provider = SERVED[name.split("/")[0]]
        self.target = data["request"]["path"]
        self.request_body, self.body = body_of(data["request"]), body_of(data["response"])
        self.status = data["response"]["status"]
        self.is_error = self.expected["usage_source"].startswith("error")
        self.is_stream = data["response"]["headers"].get("content-type", "").startswith("text/event-stream")

    @property
    def id(self):
        return self.name.replace("/", ".").removesuffix(".json")

    def count(self, column):
        """A count of expected.tsv; None where the exchange does not have it."""
        text = self.expected.get(column, "-")  # some columns are only in those of tests/samples
        return None if text == "-" else int(text)


def _load(folder):
    with open(os.path.join(folder, "expected.tsv"), encoding="utf-8") as file:
        rows = {row["file"].removeprefix("open/"): row for row in csv.DictReader(file, delimiter="\t")}
    found = []
    for name, row in rows.items():
        if name.split("/")[0] in SERVED:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found.append(Recording(name, json.load(file), row))
    return found


ALL = [recording for folder in FOLDERS for recording in _load(folder)]


def find(name):
    return next(recording for recording in ALL if recording.name.startswith(name))

# SPDX-License-Identifier: Apache-2.0
"""Node as the oracle of expressions: what JavaScript itself says."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

NOW, SEED = 1700000000123, 42
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed: tools/dependencies.sh does")


def ask_node(questions):
    lines = "".join(json.dumps({"expression": expression, "event": event, "now": NOW, **({"seed": SEED} if i == 0 else {})}) + "\n"
                    for i, (expression, event) in enumerate(questions))
    done = subprocess.run(["node", pathlib.Path(__file__).with_name("oracle.js")], input=lines, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "TZ": "UTC"})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")[:-1]  # not splitlines: U+2028 is in texts

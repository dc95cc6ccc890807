# SPDX-License-Identifier: Apache-2.0
"""A program with OpenLLMetry, that knows nothing of GenOps: calls each SDK named, and ends when its spans are away."""
import os
import sys

from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import workflow

Traceloop.init(app_name="traced", disable_batch=os.environ.get("TRACED_BATCH") != "yes", telemetry_enabled=False)
Traceloop.set_association_properties({"customer_id": "c-7"})


def call_openai():
    import openai
    openai.OpenAI(max_retries=0).chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])


def call_anthropic():
    import anthropic
    anthropic.Anthropic(max_retries=0).messages.create(
        model="claude-3-haiku-20240307", max_tokens=100, messages=[{"role": "user", "content": "Hello"}])


@workflow(name="wf")
def run(names):
    for name in names:
        globals()[f"call_{name}"]()


run(sys.argv[1:])
from opentelemetry import trace
trace.get_tracer_provider().force_flush()

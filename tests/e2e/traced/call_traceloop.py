# SPDX-License-Identifier: Apache-2.0
"""A program with traceloop-sdk, that knows nothing of GenOps: a workflow that calls each SDK named, and ends when its spans are away."""
import sys

import anthropic
import openai
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import task, workflow

PROMPT = [{"role": "user", "content": "Hello"}]
Traceloop.init(app_name="traced", disable_batch=True)


@task(name="ask_openai")
def call_openai():
    openai.OpenAI(max_retries=0).chat.completions.create(model="gpt-4o-mini", messages=PROMPT)


@task(name="ask_anthropic")
def call_anthropic():
    anthropic.Anthropic(max_retries=0).messages.create(model="claude-3-haiku-20240307", max_tokens=100, messages=PROMPT)


@workflow(name="work")
def work():
    for name in sys.argv[1:]:
        globals()[f"call_{name}"]()


Traceloop.set_association_properties({"customer_id": "c-42"})
work()

# SPDX-License-Identifier: Apache-2.0
"""A program with OpenLLMetry's instrumentations, that knows nothing of GenOps: calls each SDK named, and ends when its spans are away."""
import sys

import anthropic
import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

PROMPT = [{"role": "user", "content": "Hello"}]
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()


def call_openai():
    openai.OpenAI(max_retries=0).chat.completions.create(model="gpt-4o-mini", messages=PROMPT)


def call_anthropic():
    anthropic.Anthropic(max_retries=0).messages.create(model="claude-3-haiku-20240307", max_tokens=100, messages=PROMPT)


with trace.get_tracer("app").start_as_current_span("work"):
    for name in sys.argv[1:]:
        globals()[f"call_{name}"]()
provider.shutdown()

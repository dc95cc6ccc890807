# SPDX-License-Identifier: Apache-2.0
"""An application: call.py SDK MODEL PROMPT [stream]. Nothing in it knows of GenOps. Prints what came as one JSON object."""
import json
import sys


def openai_like(client, model, prompt, is_stream):
    messages = [{"role": "user", "content": prompt}]
    if not is_stream:
        return client.chat.completions.create(model=model, max_tokens=50, messages=messages).choices[0].message.content
    chunks = client.chat.completions.create(model=model, max_tokens=50, messages=messages, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def anthropic_like(client, model, prompt, is_stream):
    messages = [{"role": "user", "content": prompt}]
    if not is_stream:
        return client.messages.create(model=model, max_tokens=50, messages=messages).content[0].text
    with client.messages.stream(model=model, max_tokens=50, messages=messages) as stream:
        return "".join(stream.text_stream)


def client_of(sdk):
    if sdk == "openai":
        import openai
        return openai.OpenAI(timeout=20)
    if sdk == "azure":
        import openai
        return openai.AzureOpenAI(timeout=20, api_version="2024-10-21")
    if sdk == "anthropic":
        import anthropic
        return anthropic.Anthropic(timeout=20)
    if sdk == "groq":
        import groq
        return groq.Groq(timeout=20)
    import together
    return together.Together(timeout=20)


def main():
    sdk, model, prompt = sys.argv[1:4]
    call = anthropic_like if sdk == "anthropic" else openai_like
    try:
        print(json.dumps({"text": call(client_of(sdk), model, prompt, "stream" in sys.argv[4:])}))
    except Exception as error:
        print(json.dumps({"error": type(error).__name__, "status": getattr(error, "status_code", None), "message": str(error)}))


main()

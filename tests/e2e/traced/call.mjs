// SPDX-License-Identifier: Apache-2.0
// A program with OpenLLMetry, that knows nothing of GenOps: calls each SDK named, waits until its spans are away.
import * as traceloop from "@traceloop/node-server-sdk";
import * as anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

traceloop.initialize({
  appName: "traced",
  disableBatch: true,
  silenceInitializationMessage: true,
  instrumentModules: { openAI: OpenAI, anthropic },
});

const prompt = [{ role: "user", content: "Hello" }];
const calls = {
  openai: (client = new OpenAI({ maxRetries: 0 })) => client.chat.completions.create({ model: "gpt-4o-mini", messages: prompt }),
  anthropic: (client = new anthropic.Anthropic({ maxRetries: 0 })) =>
    client.messages.create({ model: "claude-3-haiku-20240307", max_tokens: 100, messages: prompt }),
};

await traceloop.withWorkflow({ name: "wf", associationProperties: { customer_id: "c-7" } }, async () => {
  for (const name of process.argv.slice(2)) await calls[name]();
});
await traceloop.forceFlush();

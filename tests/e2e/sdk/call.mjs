// SPDX-License-Identifier: Apache-2.0
// An application: call.mjs SDK MODEL PROMPT [stream]. Nothing in it knows of GenOps. Prints what came as one JSON object.
const [sdk, model, prompt, mode] = process.argv.slice(2);
const packages = { openai: "openai", azure: "openai", anthropic: "@anthropic-ai/sdk", groq: "groq-sdk", together: "together-ai" };
const library = await import(packages[sdk]);
const messages = [{ role: "user", content: prompt }];

function client() {
	if (sdk === "azure")
		return new library.AzureOpenAI({ timeout: 20000, apiVersion: "2024-10-21", baseURL: undefined, endpoint: process.env.AZURE_OPENAI_ENDPOINT });
	return new library.default({ timeout: 20000 });
}

async function call() {
	const request = { model, max_tokens: 50, messages, stream: mode === "stream" };
	let text = "";
	if (sdk === "anthropic") {
		const answer = await client().messages.create(request);
		if (!request.stream)
			return answer.content[0].text;
		for await (const event of answer)
			text += event.delta?.text ?? "";
		return text;
	}
	const answer = await client().chat.completions.create(request);
	if (!request.stream)
		return answer.choices[0].message.content;
	for await (const chunk of answer)
		text += chunk.choices[0]?.delta?.content ?? "";
	return text;
}

try {
	console.log(JSON.stringify({ text: await call() }));
} catch (error) {
	console.log(JSON.stringify({ error: error.constructor.name, status: error.status ?? null, message: error.message }));
}

/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai_rows.h - the many names of one thing, a row each. Of several that a span carries, the one further up counts.
 *
 * reference: semantic-conventions v1.26, v1.36, v1.37, v1.41 (docs/gen-ai), semantic-conventions-genai (2026-08), semconv_ai 0.4 and
 * 0.5 (OpenLLMetry), the OpenTelemetry guide's ai.* (contract OTL).
 */
#ifndef TELEMETRY_GENAI_ROWS_H
#define TELEMETRY_GENAI_ROWS_H

/* X(field, attribute) */
#define GENOPS_GENAI_ROWS(X)                                                                          \
	X(SPAN_KIND, "traceloop.span.kind")                                                           \
	X(COST, "genops.cost.total")                                                                  \
	X(OUTCOME, "genops.outcome")                                                                  \
	X(SPEC, "genops.spec.version")                                                                \
	X(OPERATION, "gen_ai.operation.name")                                                         \
	X(REQUEST_TYPE, "llm.request.type")                                                           \
	X(PROVIDER, "gen_ai.provider.name")                                                           \
	X(PROVIDER, "gen_ai.system")                                                                  \
	X(PROVIDER, "genops.cost.provider")                                                           \
	X(PROVIDER, "ai.model.provider")                                                              \
	X(REQUEST_MODEL, "gen_ai.request.model")                                                      \
	X(REQUEST_MODEL, "llm.request.model")                                                         \
	X(REQUEST_MODEL, "ai.model.name")                                                             \
	X(RESPONSE_MODEL, "gen_ai.response.model")                                                    \
	X(RESPONSE_MODEL, "llm.response.model")                                                       \
	X(RESPONSE_MODEL, "genops.cost.model")                                                        \
	X(RESPONSE_ID, "gen_ai.response.id")                                                          \
	X(INPUT, "gen_ai.usage.input_tokens")                                                         \
	X(INPUT, "gen_ai.usage.prompt_tokens")                                                        \
	X(INPUT, "llm.usage.prompt_tokens")                                                           \
	X(INPUT, "genops.tokens.input")                                                               \
	X(INPUT, "ai.request.input_tokens")                                                           \
	X(OUTPUT, "gen_ai.usage.output_tokens")                                                       \
	X(OUTPUT, "gen_ai.usage.completion_tokens")                                                   \
	X(OUTPUT, "llm.usage.completion_tokens")                                                      \
	X(OUTPUT, "genops.tokens.output")                                                             \
	X(OUTPUT, "ai.request.output_tokens")                                                         \
	X(TOTAL, "gen_ai.usage.total_tokens")                                                         \
	X(TOTAL, "llm.usage.total_tokens")                                                            \
	X(TOTAL, "genops.tokens.total")                                                               \
	X(CACHE_READ, "gen_ai.usage.cache_read.input_tokens")                                         \
	X(CACHE_READ, "gen_ai.usage.cache_read_input_tokens")                                         \
	X(CACHE_WRITE, "gen_ai.usage.cache_write.input_tokens")                                       \
	X(CACHE_WRITE, "gen_ai.usage.cache_creation.input_tokens")                                    \
	X(CACHE_WRITE, "gen_ai.usage.cache_creation_input_tokens")                                    \
	X(REASONING, "gen_ai.usage.reasoning.output_tokens")                                          \
	X(REASONING, "gen_ai.usage.reasoning_tokens")                                                 \
	X(REASONING, "llm.usage.reasoning_tokens")                                                    \
	X(AUDIO_INPUT, "gen_ai.usage.audio.input_tokens")                                             \
	X(AUDIO_OUTPUT, "gen_ai.usage.audio.output_tokens")                                           \
	X(IMAGE_INPUT, "gen_ai.usage.image.input_tokens")                                             \
	X(IMAGE_OUTPUT, "gen_ai.usage.image.output_tokens")                                           \
	X(TIER, "openai.response.service_tier")                                                       \
	X(TIER, "gen_ai.openai.response.service_tier")                                                \
	X(STREAM, "gen_ai.request.stream")                                                            \
	X(STREAM, "gen_ai.is_streaming")                                                              \
	X(STREAM, "llm.is_streaming")                                                                 \
	X(FINISH, "gen_ai.response.finish_reasons")                                                   \
	X(FINISH, "gen_ai.response.finish_reason")                                                    \
	X(FINISH, "anthropic.message.stop_reason")                                                    \
	X(FINISH, "llm.response.finish_reason")                                                       \
	X(ERROR_TYPE, "error.type")                                                                   \
	X(HTTP_STATUS, "http.response.status_code")                                                   \
	X(MAX_TOKENS, "gen_ai.request.max_tokens")                                                    \
	X(MAX_TOKENS, "llm.request.max_tokens")                                                       \
	X(SERVER, "gen_ai.openai.api_base")                                                           \
	X(SERVER, "server.address")                                                                   \
	X(SERVER, "net.peer.name")                                                                    \
	X(INPUT_TEXT, "gen_ai.input.messages")                                                        \
	X(INPUT_TEXT, "gen_ai.prompt")                                                                \
	X(OUTPUT_TEXT, "gen_ai.output.messages")                                                      \
	X(OUTPUT_TEXT, "gen_ai.completion")

/* gen_ai.operation.name and llm.request.type: X(as written, is it priced, as we call it). Others are priced if a CLIENT span reports
 * usage under them. */
#define GENOPS_GENAI_OPERATIONS(X)                                                                    \
	X("chat", true, "chat")                                                                       \
	X("text_completion", true, "text_completion")                                                 \
	X("completion", true, "text_completion")                                                      \
	X("generate_content", true, "generate_content")                                               \
	X("embeddings", true, "embeddings")                                                           \
	X("embedding", true, "embeddings")                                                            \
	X("rerank", true, "rerank")                                                                   \
	X("response", true, "chat")                                                                   \
	X("message", true, "chat")                                                                    \
	X("invoke_agent", false, "invoke_agent")                                                      \
	X("create_agent", false, "create_agent")                                                      \
	X("invoke_workflow", false, "invoke_workflow")                                                \
	X("execute_tool", false, "execute_tool")                                                      \
	X("retrieval", false, "retrieval")                                                            \
	X("plan", false, "plan")                                                                      \
	X("fetch_response", false, "fetch_response")                                                  \
	X("search_memory", false, "search_memory")                                                    \
	X("update_memory", false, "update_memory")                                                    \
	X("create_memory", false, "create_memory")                                                    \
	X("delete_memory", false, "delete_memory")

/* Spellings of providers that govern/prices does not turn into the catalogue's name already, any case: X(as written, catalogue's name).
 * A framework's name is no provider: "". */
#define GENOPS_GENAI_PROVIDERS(X)                                                                     \
	X("openai", "openai")                                                                         \
	X("anthropic", "anthropic")                                                                   \
	X("azure", "azure")                                                                           \
	X("az.ai.inference", "azure")                                                                 \
	X("bedrock", "bedrock")                                                                       \
	X("cohere", "cohere")                                                                         \
	X("deepseek", "deepseek")                                                                     \
	X("fireworks", "fireworks")                                                                   \
	X("gemini", "gemini")                                                                         \
	X("googlegenerativeai", "gemini")                                                             \
	X("groq", "groq")                                                                             \
	X("ibm.watsonx.ai", "watsonx")                                                                \
	X("watsonx", "watsonx")                                                                       \
	X("mistral", "mistral")                                                                       \
	X("moonshot_ai", "moonshot")                                                                  \
	X("ollama", "ollama")                                                                         \
	X("openrouter", "openrouter")                                                                 \
	X("perplexity", "perplexity")                                                                 \
	X("replicate", "replicate")                                                                   \
	X("together", "together")                                                                     \
	X("vertex", "vertex")                                                                         \
	X("vertexai", "vertex")                                                                       \
	X("voyageai", "voyage")                                                                       \
	X("writer", "writer")                                                                         \
	X("xai", "xai")                                                                               \
	X("langchain", "")                                                                            \
	X("llamaindex", "")                                                                           \
	X("llama_index", "")                                                                          \
	X("litellm", "")                                                                              \
	X("crewai", "")                                                                               \
	X("haystack", "")                                                                             \
	X("agno", "")                                                                                 \
	X("transformers", "")                                                                         \
	X("unknown", "")

/* The host that was called: X(glob, catalogue's name). */
#define GENOPS_GENAI_HOSTS(X)                                                                         \
	X("*api.openai.com*", "openai")                                                               \
	X("*.openai.azure.com*", "azure")                                                             \
	X("*.ai.azure.com*", "azure")                                                                 \
	X("*api.anthropic.com*", "anthropic")                                                         \
	X("*bedrock*.amazonaws.com*", "bedrock")                                                      \
	X("*generativelanguage.googleapis.com*", "gemini")                                            \
	X("*aiplatform.googleapis.com*", "vertex")                                                    \
	X("*api.mistral.ai*", "mistral")                                                              \
	X("*api.cohere.*", "cohere")                                                                  \
	X("*api.groq.com*", "groq")                                                                   \
	X("*api.together.*", "together")                                                              \
	X("*api.deepseek.com*", "deepseek")                                                           \
	X("*openrouter.ai*", "openrouter")                                                            \
	X("*api.fireworks.ai*", "fireworks")                                                          \
	X("*api.x.ai*", "xai")                                                                        \
	X("*api.perplexity.ai*", "perplexity")

/* Names of spans that call a model even where nothing else says so: X(prefix, catalogue's name). What follows is the operation. */
#define GENOPS_GENAI_SPANS(X)                                                                         \
	X("openai.", "openai")                                                                        \
	X("anthropic.", "anthropic")                                                                  \
	X("bedrock.", "bedrock")                                                                      \
	X("cohere.", "cohere")                                                                        \
	X("mistralai.", "mistral")                                                                    \
	X("ollama.", "ollama")                                                                        \
	X("together.", "together")                                                                    \
	X("vertexai.", "vertex")                                                                      \
	X("gemini.", "gemini")                                                                        \
	X("groq.", "groq")                                                                            \
	X("watsonx.", "watsonx")                                                                      \
	X("replicate.", "replicate")                                                                  \
	X("writerai.", "writer")                                                                      \
	X("litellm.", "")                                                                             \
	X("ai.generateText.", "")                                                                     \
	X("ai.generateObject.", "")                                                                   \
	X("ai.streamText.", "")                                                                       \
	X("ai.streamObject.", "")                                                                     \
	X("ai.embed.", "")

/* X(what follows, operation) */
#define GENOPS_GENAI_SPAN_ENDS(X)                                                                     \
	X("chat", "chat")                                                                             \
	X("completion", "text_completion")                                                            \
	X("converse", "chat")                                                                         \
	X("response", "chat")                                                                         \
	X("messages.create", "chat")                                                                  \
	X("generate_content", "generate_content")                                                     \
	X("embed", "embeddings")                                                                      \
	X("embeddings", "embeddings")                                                                 \
	X("rerank", "rerank")                                                                         \
	X("doGenerate", "chat")                                                                       \
	X("doStream", "chat")                                                                         \
	X("doEmbed", "embeddings")

/* How the names of models begin: X(prefix, catalogue's name). */
#define GENOPS_GENAI_MODELS(X)                                                                        \
	X("gpt-", "openai")                                                                           \
	X("chatgpt-", "openai")                                                                       \
	X("o1", "openai")                                                                             \
	X("o3", "openai")                                                                             \
	X("o4", "openai")                                                                             \
	X("text-embedding-", "openai")                                                                \
	X("claude", "anthropic")                                                                      \
	X("anthropic.", "bedrock")                                                                    \
	X("amazon.", "bedrock")                                                                       \
	X("gemini", "gemini")                                                                         \
	X("mistral", "mistral")                                                                       \
	X("codestral", "mistral")                                                                     \
	X("command", "cohere")                                                                        \
	X("deepseek", "deepseek")                                                                     \
	X("grok", "xai")                                                                              \
	X("sonar", "perplexity")

/* Instrumentation scopes of SDKs that trace themselves, by prefix. */
#define GENOPS_GENAI_NATIVE_SCOPES(X)                                                                 \
	X("com.anthropic.sdk")                                                                        \
	X("anthropic")                                                                                \
	X("@anthropic-ai/")                                                                           \
	X("@mistralai/")                                                                              \
	X("mistralai")

/* What is known to be wrong of an instrumentation, by the begin of its scope's name: X(scope, version below which; "" : every, fault). */
#define GENOPS_GENAI_FAULTS(X)                                                                        \
	X("@traceloop/instrumentation-anthropic", "0.27.1", INPUT_WITHOUT_CACHE)                      \
	X("@traceloop/instrumentation-bedrock", "", INPUT_WITHOUT_CACHE)                              \
	X("opentelemetry.instrumentation.bedrock", "", INPUT_WITHOUT_CACHE)                           \
	X("@traceloop/instrumentation-openai", "", STREAM_IS_COUNTED)

#endif

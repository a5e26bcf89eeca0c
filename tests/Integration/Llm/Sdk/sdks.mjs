// The vendors' JavaScript clients, their base address changed and nothing else: node sdks.mjs http://localhost:5080
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [base] = process.argv.slice(2);
const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey: "sk-client", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: base, apiKey: "sk-ant-client", maxRetries: 0 });

const messages = [{ role: "user", content: "Please tell me in ten words or more what a durable stream is" }];
const asked = { model: "demo", messages, max_tokens: 120 };

const whole = await openai.chat.completions.create(asked);
const text = whole.choices[0].message.content;
assert.equal(whole.choices[0].finish_reason, "length");
assert.equal(whole.usage.completion_tokens, 120);

let streamed = "";
let usage;
for await (const chunk of await openai.chat.completions.create({
  ...asked,
  stream: true,
  stream_options: { include_usage: true },
})) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(streamed, text);
assert.deepEqual(usage, whole.usage);

const short = await openai.chat.completions.create({ model: "demo", messages });
assert.equal(short.choices[0].finish_reason, "stop");

const message = await anthropic.messages.create(asked);
assert.equal(message.content[0].text, text);
assert.equal(message.stop_reason, "max_tokens");
const final = await anthropic.messages.stream(asked).finalMessage();
assert.deepEqual(final.content, message.content);
assert.deepEqual(final.usage, message.usage);

const word = text.split(" ")[20];
const stopping = { ...asked, stop_sequences: ["no such word", word] };
for (const stopped of [
  await anthropic.messages.create(stopping),
  await anthropic.messages.stream(stopping).finalMessage(),
])
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ["stop_sequence", word]);

const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const question = [{ role: "user", content: "What is the weather in Paris today?" }];
const called = await openai.chat.completions
  .stream({
    model: "demo",
    messages: question,
    tools: [{ type: "function", function: { name: "get_weather", parameters } }],
  })
  .finalChatCompletion();
assert.equal(called.choices[0].finish_reason, "tool_calls");
assert.equal(called.choices[0].message.tool_calls[0].function.arguments, '{"city":"Paris"}');

const tools = [{ name: "get_weather", input_schema: parameters }];
const use = await anthropic.messages
  .stream({ model: "demo", max_tokens: 99, messages: question, tools })
  .finalMessage();
assert.equal(use.stop_reason, "tool_use");
assert.deepEqual(use.content[0].input, { city: "Paris" });
const result = {
  role: "user",
  content: [{ type: "tool_result", tool_use_id: use.content[0].id, content: "15 degrees" }],
};
const answer = await anthropic.messages.create({
  model: "demo",
  max_tokens: 99,
  tools,
  messages: [...question, { role: "assistant", content: use.content }, result],
});
assert.match(answer.content[0].text, /15 degrees/);

await assert.rejects(
  openai.chat.completions.create({ model: "nobodys", messages }),
  (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found",
);
await assert.rejects(
  anthropic.messages.create({ model: "nobodys", messages, max_tokens: 1 }),
  (e) => e instanceof Anthropic.NotFoundError && e.error.error.type === "not_found_error",
);
await assert.rejects(
  openai.chat.completions.create({ model: "demo" }),
  (e) => e instanceof OpenAI.BadRequestError && e.param === "messages",
);
await assert.rejects(
  anthropic.messages.create({ model: "demo", messages }),
  (e) => e instanceof Anthropic.BadRequestError,
);

await assert.rejects(
  openai.embeddings.create({ model: "demo", input: "x" }),
  (e) => e instanceof OpenAI.NotFoundError && e.code === "unknown_url",
);
await assert.rejects(
  anthropic.messages.batches.list(),
  (e) => e instanceof Anthropic.NotFoundError && e.error.error.type === "not_found_error",
);
assert.equal(
  (await anthropic.messages.countTokens({ model: "demo", messages })).input_tokens,
  message.usage.input_tokens,
);

assert.ok((await openai.models.list()).data.some((m) => m.id === "demo"));
assert.ok((await anthropic.models.list()).data.some((m) => m.id === "demo"));
assert.equal((await openai.models.retrieve("demo")).id, "demo");

const abort = await openai.chat.completions.create({ ...asked, stream: true });
for await (const _ of abort) break;
console.log("ok");

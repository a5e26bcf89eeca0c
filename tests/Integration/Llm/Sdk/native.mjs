// Answers of each client's own vendor, with members that the other vendor's API lacks.
//   node native.mjs <base> <prompt for thinking> <prompt for reasoning>
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [base, thinking, reasoning] = process.argv.slice(2);
const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey: "sk-client", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: base, apiKey: "sk-ant-client", maxRetries: 0 });

const asked = {
  model: "claude-test",
  max_tokens: 99,
  thinking: { type: "enabled", budget_tokens: 1024 },
  messages: [{ role: "user", content: thinking }],
};
const beta = { headers: { "anthropic-beta": "one,two" } };
for (const message of [
  await anthropic.messages.create(asked, beta),
  await anthropic.messages.stream(asked, beta).finalMessage(),
]) {
  assert.deepEqual(message.content, [
    { type: "thinking", thinking: "Let me", signature: "c2ln" },
    { type: "text", text: "It is", citations: [{ type: "char_location", cited_text: "こ" }] },
    { type: "tool_use", id: "t1", name: "look", input: { a: [1] } },
  ]);

  assert.equal(message.stop_reason, "pause_turn");
  assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [7, 9]);
  assert.equal(message.usage.cache_read_input_tokens, 100);
}

const question = { model: "gpt-4o", logprobs: true, messages: [{ role: "user", content: reasoning }] };
const whole = (await openai.chat.completions.create(question)).choices[0];
assert.equal(whole.message.reasoning_content, "Let me");
let streamed = "";
for await (const chunk of await openai.chat.completions.create({ ...question, stream: true }))
  streamed += chunk.choices[0]?.delta?.reasoning_content ?? "";
assert.equal(streamed, "Let me");
const final = (await openai.chat.completions.stream(question).finalChatCompletion()).choices[0];
for (const choice of [whole, final]) {
  assert.equal(choice.message.content, "It is");
  assert.deepEqual(
    choice.logprobs.content.map((c) => c.token),
    ["It", " is"],
  );

  assert.equal(choice.finish_reason, "tool_calls");
  assert.equal(choice.message.tool_calls[0].id, "t1");
  assert.deepEqual(choice.message.tool_calls[0].function.arguments, "{}");
}

// Another vendor's reasoning, which the next turn sends back as it is.
const foreign = { ...asked, model: "gpt-4o", messages: [{ role: "user", content: reasoning }] };
for (const message of [
  await anthropic.messages.create(foreign),
  await anthropic.messages.stream(foreign).finalMessage(),
]) {
  assert.deepEqual(message.content, [
    { type: "thinking", thinking: "Let me", signature: "aspire-sse:openai:" },
    { type: "text", text: "It is" },
    { type: "tool_use", id: "t1", name: "look", input: {} },
  ]);

  const answer = { role: "assistant", content: message.content.slice(0, 2) };
  const messages = [...foreign.messages, answer, ...foreign.messages];
  const next = await anthropic.messages.create({ ...foreign, messages });
  assert.equal(next.content[1].text, "It is");
}
console.log("ok");

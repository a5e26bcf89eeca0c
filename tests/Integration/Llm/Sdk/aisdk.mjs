// Vercel's AI SDK with its default for OpenAI, which is the Responses API: node aisdk.mjs <base> <prompts as JSON>
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";

const [base, given] = process.argv.slice(2);
const prompts = JSON.parse(given);
const openai = createOpenAI({ baseURL: `${base}/v1`, apiKey: "sk-client" });
const asked = { model: openai("demo"), maxRetries: 0 };

const whole = await generateText({ ...asked, prompt: "Tell me of trains", maxOutputTokens: 40 });
assert.deepEqual([whole.finishReason, whole.usage.outputTokens], ["length", 40]);
const streaming = streamText({ ...asked, prompt: "Tell me of trains", maxOutputTokens: 40 });
let streamed = "";
for await (const piece of streaming.textStream) streamed += piece;
assert.equal(streamed, whole.text);
assert.equal(await streaming.finishReason, "length");

// A tool, in both ways; the second step has the results.
const tools = {
  get_weather: tool({
    inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"] }),
    execute: async ({ city }) => `15 degrees in ${city}`,
  }),
};
const question = { ...asked, tools, stopWhen: stepCountIs(3), prompt: "What is the weather in Paris today?" };
const called = await generateText(question);
assert.match(called.text, /15 degrees in Paris/);
assert.equal(called.steps.length, 2);
const alive = streamText(question);
assert.equal(await alive.text, called.text);

// Reasoning is shown, and the turn after it refers to the items of this one by their ids.
const upstream = {
  ...asked,
  model: openai("gpt-4o"),
  tools: { find: tool({ inputSchema: jsonSchema({ type: "object" }) }) },
};
const messages = [{ role: "user", content: prompts.rich }];
for (const thought of [await generateText({ ...upstream, messages }), streamText({ ...upstream, messages })]) {
  assert.equal(await thought.reasoningText, "I think.");
  assert.equal(await thought.text, "Let me look.");
  const [call] = await thought.toolCalls;
  assert.deepEqual([call.toolName, call.input], ["find", { a: [1] }]);
  const output = { type: "text", value: "found it" };
  const next = await generateText({
    ...upstream,
    messages: [
      ...messages,
      ...(await thought.response).messages,
      { role: "tool", content: [{ type: "tool-result", toolCallId: call.toolCallId, toolName: "find", output }] },
      { role: "user", content: prompts.next },
    ],
  });

  assert.equal(next.text, "short");
}

// An error that the client names, before and within the stream.
await assert.rejects(generateText({ ...asked, model: openai("nobodys"), prompt: "x" }), (e) => e.statusCode === 404);
const errors = [];
const dying = streamText({ ...upstream, prompt: prompts.dying, onError: ({ error }) => errors.push(error) });
await dying.consumeStream();
assert.equal(errors.length, 1);
assert.match(JSON.stringify(errors[0]) + errors[0], /upstream/);
console.log("ok");

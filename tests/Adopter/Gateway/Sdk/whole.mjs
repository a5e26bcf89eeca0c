// Runs of an application by clients of OpenAI's Responses that ask for no stream: node whole.mjs <process>
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";
import OpenAI from "openai";

const [base] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "none", maxRetries: 0 });
const half = Array.from({ length: 5 }, (_, i) => `word${i} 語 `).join("");
const whole = `${half}${half.replace(/\d/g, (digit) => Number(digit) + 5)}end`;
const more = (question) => fetch(`${base}/more?question=${question}`, { method: "POST" });

// The answer once it is whole.
await more("whole");
const response = await client.responses.create({ model: "own", input: "whole" });
assert.deepEqual([response.status, response.model, response.output_text], ["completed", "own-model", whole]);

const own = createOpenAI({ baseURL: `${base}/v1`, apiKey: "none" })("own");
const generated = await generateText({ model: own, prompt: "whole", maxRetries: 0 });
assert.deepEqual([generated.text, generated.usage.outputTokens], [whole, 11]);

// In the background the answer so far, and the rest by its id.
const begun = await client.responses.create({ model: "own", input: "later", background: true });
assert.ok(whole.startsWith(begun.output_text));
assert.deepEqual([begun.status, begun.background], ["in_progress", true]);
await more("later");
const stream = await client.responses.retrieve(begun.id, { stream: true });
for await (const event of stream) assert.notEqual(event.type, "error");
const later = await client.responses.retrieve(begun.id);
assert.deepEqual([later.status, later.output_text], ["completed", whole]);

// A run that fails is a failed request, as at OpenAI.
await more("fail");
await assert.rejects(client.responses.create({ model: "own", input: "fail" }), (error) => error.status >= 500);
console.log("ok");

// OpenAI's Responses API by its own client, at two replicas.
//   node responses.mjs <base> <other base> <prompts as JSON>
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const [base, other, given] = process.argv.slice(2);
const [here, there] = [base, other].map(
  (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-client", maxRetries: 0 }),
);
const prompts = JSON.parse(given);

async function textOf(events, had = []) {
  for await (const event of events) had.push(event);
  return text(had);
}

function text(events) {
  return events
    .filter((e) => e.type === "response.output_text.delta")
    .map((e) => e.delta)
    .join("");
}

// Whole, as a stream, by the helper.
const asked = { model: "demo", input: "Tell me in ten words or more of trains", max_output_tokens: 60 };
const whole = await here.responses.create(asked);
assert.deepEqual(
  [whole.status, whole.incomplete_details.reason, whole.usage.output_tokens],
  ["incomplete", "max_output_tokens", 60],
);
const events = [];
assert.equal(await textOf(await here.responses.create({ ...asked, stream: true }), events), whole.output_text);
assert.deepEqual(
  events.map((e) => e.sequence_number),
  events.map((_, i) => i),
);
assert.deepEqual(
  events.filter((e) => !e.type.endsWith("text.delta")).map((e) => e.type.slice("response.".length)),
  [
    ...["created", "in_progress", "output_item.added", "content_part.added"],
    ...["output_text.done", "content_part.done", "output_item.done", "incomplete"],
  ],
);
const helped = await here.responses.stream({ model: "demo", input: asked.input }).finalResponse();
assert.equal(helped.status, "completed");
assert.ok(helped.output_text.startsWith(whole.output_text));
assert.deepEqual(helped.usage, (await there.responses.retrieve(helped.id)).usage);

// In the background: cut, and on with the rest at the other replica.
const had = [];
const background = { model: "gpt-4o", input: prompts.paced, background: true, store: true, stream: true };
for await (const event of await here.responses.create(background)) if (had.push(event) > 6) break;
const id = had[0].response.id;
assert.equal(had[0].response.background, true);
const last = had.at(-1).sequence_number;

const helper = there.responses.stream({ response_id: id, starting_after: last });
const seen = [];
helper.on("event", (event) => seen.push(event.sequence_number));
const [final] = await Promise.all([
  helper.finalResponse(),
  textOf(await there.responses.retrieve(id, { stream: true, starting_after: last }), had),
]);
assert.deepEqual(
  had.map((e) => e.sequence_number),
  had.map((_, i) => i),
);
assert.deepEqual(
  seen,
  had.slice(last + 1).map((e) => e.sequence_number),
);
for (const answer of [final, await here.responses.retrieve(id), had.at(-1).response]) {
  assert.equal(answer.status, "completed");
  assert.equal(answer.output_text ?? answer.output[0].content[0].text, text(had));
}
for (const client of [here, there]) {
  const replay = [];
  await textOf(await client.responses.retrieve(id, { stream: true }), replay);
  assert.deepEqual(replay, had);
}

// Cancelled at the other replica.
const reader = here.responses.stream({ ...background, input: prompts.endless });
let cancelled;
for await (const event of reader)
  if (event.type === "response.output_text.delta" && !cancelled)
    cancelled = await there.responses.cancel(
      reader.currentResponseSnapshot?.id ?? event.item_id.replace(/^msg_(.*)_0$/, "resp_$1"),
    );
const ended = await reader.finalResponse();
assert.deepEqual([cancelled.status, ended.status], ["cancelled", "cancelled"]);
assert.ok(ended.output_text.startsWith("on and on "));
assert.deepEqual((await there.responses.cancel(ended.id)).output, (await here.responses.retrieve(ended.id)).output);

// A provider that dies: an error for whoever reads, a failed response for whoever asks.
const dying = [];
await assert.rejects(
  textOf(await here.responses.create({ ...background, input: prompts.dying }), dying),
  (e) => e instanceof OpenAI.APIError && e.code === "upstream",
);
const failed = await there.responses.retrieve(dying[0].response.id);
assert.deepEqual([failed.status, failed.error.code, failed.output_text], ["failed", "upstream", "half "]);
await assert.rejects(there.responses.stream({ response_id: failed.id }).finalResponse(), OpenAI.APIError);
await assert.rejects(
  here.responses.create({ model: "gpt-4o", input: prompts.refused, stream: true }),
  (e) => e instanceof OpenAI.RateLimitError && e.headers.get("retry-after") === "60",
);

// Reasoning and tool calls, and the turn after them.
const rich = { model: "gpt-4o", input: prompts.rich, tools: [{ type: "function", name: "find", parameters: {} }] };
const thought = await here.responses.stream(rich).finalResponse();
assert.deepEqual(
  thought.output.map((item) => item.type),
  ["reasoning", "message", "function_call"],
);
assert.deepEqual(thought.output[0].summary, [{ type: "summary_text", text: "I think." }]);
assert.deepEqual([thought.output[2].name, thought.output[2].arguments], ["find", '{"a":[1]}']);
assert.deepEqual(
  [thought.usage.input_tokens_details.cached_tokens, thought.usage.output_tokens_details.reasoning_tokens],
  [4, 5],
);
assert.deepEqual(
  (await here.responses.create(rich)).output.slice(1).map((i) => i.type),
  ["message", "function_call"],
);
const next = await there.responses.create({
  model: "gpt-4o",
  instructions: "Be short.",
  previous_response_id: thought.id,
  input: [
    { type: "function_call_output", call_id: thought.output[2].call_id, output: "found it" },
    { role: "user", content: [{ type: "input_text", text: prompts.next }] },
  ],
});
assert.equal(next.output_text, "short");
assert.deepEqual([next.previous_response_id, next.instructions], [thought.id, "Be short."]);

// A refusal is none of the JSON that was asked for, whole and streamed.
const structured = {
  model: "gpt-4o",
  input: prompts.declined,
  text: { format: zodTextFormat(z.object({ steps: z.array(z.string()) }), "answer") },
};
for (const answer of [await here.responses.parse(structured), await there.responses.stream(structured).finalResponse()])
  assert.deepEqual(
    [answer.output_parsed, answer.output_text, answer.output[0].content[0].refusal],
    [null, "", "I am sorry."],
  );

// What was asked, page by page.
const items = [];
for await (const item of here.responses.inputItems.list(next.id, { order: "asc", limit: 1 })) items.push(item);
assert.deepEqual(
  items.map((item) => item.output ?? item.content),
  ["found it", [{ type: "input_text", text: prompts.next }]],
);
assert.deepEqual(
  (await here.responses.inputItems.list(next.id)).data.map((i) => i.type),
  ["message", "function_call_output"],
);

// Deleted, or never stored.
await there.responses.delete(next.id);
const unstored = await here.responses.create({ ...asked, store: false });
for (const gone of [next.id, unstored.id, "resp_x", "nobodys"])
  await assert.rejects(here.responses.retrieve(gone), OpenAI.NotFoundError);
await assert.rejects(
  here.responses.create({ ...asked, previous_response_id: next.id }),
  (e) => e instanceof OpenAI.BadRequestError && e.code === "previous_response_not_found",
);

await assert.rejects(
  here.responses.create({ ...asked, model: "nobodys" }),
  (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found",
);
await assert.rejects(
  here.responses.create({ ...asked, conversation: "conv_1" }),
  (e) => e instanceof OpenAI.BadRequestError && e.code === "unsupported_parameter" && e.param === "conversation",
);
console.log("ok");

// OpenAI's client: node openai.mjs <replica> <replica>
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { attempt, done, look, question, weather } from "./trying.mjs";

const [here, there] = process.argv
  .slice(2)
  .map((url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-client", maxRetries: 0 }));
const messages = [{ role: "user", content: "Tell me in ten words or more of trains" }];
const chat = { model: "demo", messages, max_tokens: 60 };
const asked = { model: "demo", input: messages[0].content, max_output_tokens: 60 };
const schema = z.object({ city: z.string(), degrees: z.number() });

const functionOf = (called) => ({
  type: "function",
  function: { name: "get_weather", parameters: weather, parse: JSON.parse, function: called },
});

let whole;
await attempt("chat.completions.create, whole", async () => {
  whole = await here.chat.completions.create(chat);
  assert.equal(whole.choices[0].finish_reason, "length");
  assert.equal(whole.usage.completion_tokens, 60);
});

await attempt("chat.completions.create, stream", async () => {
  let text = "";
  let usage;
  const stream = { ...chat, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await here.chat.completions.create(stream)) {
    text += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }

  assert.equal(text, whole.choices[0].message.content);
  assert.deepEqual(usage, whole.usage);
});

for (const model of ["demo", "scripted"]) {
  await attempt(`chat.completions.stream, tool call of ${model}`, async () => {
    const tools = [{ type: "function", function: { name: "get_weather", parameters: weather } }];
    const called = await here.chat.completions
      .stream({ model, messages: [{ role: "user", content: question }], tools })
      .finalChatCompletion();
    assert.equal(called.choices[0].finish_reason, "tool_calls");
    assert.equal(called.choices[0].message.tool_calls[0].function.arguments, '{"city":"Paris"}');
  });

  for (const stream of [false, true])
    await attempt(`chat.completions.runTools, ${stream ? "stream" : "whole"}, ${model}`, async () => {
      const cities = [];
      const tools = [
        functionOf((given) => {
          cities.push(given.city);
          return look(given);
        }),
      ];
      const runner = here.chat.completions.runTools({
        model,
        messages: [{ role: "user", content: question }],
        tools,
        stream,
      });
      assert.match(await runner.finalContent(), /15 degrees in Paris/);
      assert.deepEqual(cities, ["Paris"]);
    });
}

await attempt("chat.completions.parse", async () => {
  const response_format = zodResponseFormat(schema, "weather");
  const parsed = await here.chat.completions.parse({ ...chat, model: "scripted", response_format });
  assert.deepEqual(parsed.choices[0].message.parsed, { city: "Paris", degrees: 15 });
});

await attempt("responses.create, whole and stream", async () => {
  const one = await here.responses.create(asked);
  assert.deepEqual([one.status, one.usage.output_tokens], ["incomplete", 60]);
  let text = "";
  for await (const event of await here.responses.create({ ...asked, stream: true }))
    if (event.type === "response.output_text.delta") text += event.delta;
  assert.equal(text, one.output_text);
});

await attempt("responses.stream", async () => {
  const final = await here.responses.stream({ ...asked, model: "scripted" }).finalResponse();
  assert.deepEqual([final.status, final.output_text], ["completed", "Hello from the script."]);
  assert.deepEqual(
    final.output.map((item) => item.type),
    ["reasoning", "message"],
  );
});

await attempt("responses.parse", async () => {
  const text = { format: zodTextFormat(schema, "weather") };
  const parsed = await here.responses.parse({ ...asked, model: "scripted", text });
  assert.deepEqual(parsed.output_parsed, { city: "Paris", degrees: 15 });
});

await attempt("responses, tool and previous_response_id", async () => {
  const tools = [{ type: "function", name: "get_weather", parameters: weather, strict: true }];
  const called = await here.responses.stream({ model: "scripted", input: question, tools }).finalResponse();
  const call = called.output.find((item) => item.type === "function_call");
  const output = look(JSON.parse(call.arguments));
  const next = await there.responses.create({
    model: "scripted",
    tools,
    previous_response_id: called.id,
    input: [{ type: "function_call_output", call_id: call.call_id, output }],
  });
  assert.match(next.output_text, /15 degrees in Paris/);
});

await attempt("responses, background, cut, retrieve(starting_after) elsewhere", async () => {
  const had = [];
  const background = { ...asked, max_output_tokens: 200, background: true, store: true, stream: true };
  for await (const event of await here.responses.create(background)) if (had.push(event) > 8) break;
  const { id } = had[0].response;
  const rest = await there.responses.retrieve(id, { stream: true, starting_after: had.at(-1).sequence_number });
  for await (const event of rest) had.push(event);

  assert.deepEqual(
    had.map((event) => event.sequence_number),
    had.map((_, index) => index),
  );
  const text = had.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join("");
  assert.equal(text, (await here.responses.retrieve(id)).output_text);
});

await attempt("responses.cancel elsewhere", async () => {
  const endless = { ...asked, max_output_tokens: 10_000, background: true };
  const { id, status } = await here.responses.create(endless);
  assert.ok(["queued", "in_progress"].includes(status), status);
  assert.equal((await there.responses.cancel(id)).status, "cancelled");
  assert.equal((await here.responses.retrieve(id)).status, "cancelled");
});

await attempt("errors, models", async () => {
  await assert.rejects(here.chat.completions.create({ ...chat, model: "nobodys" }), OpenAI.NotFoundError);
  await assert.rejects(here.responses.retrieve("resp_none"), OpenAI.NotFoundError);
  await assert.rejects(here.chat.completions.create({ model: "demo" }), OpenAI.BadRequestError);
  assert.ok((await here.models.list()).data.some((model) => model.id === "demo"));
});
done();

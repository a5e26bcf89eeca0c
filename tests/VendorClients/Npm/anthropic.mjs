// Anthropic's client: node anthropic.mjs <replica> <replica>
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { attempt, done, look, question, weather } from "./trying.mjs";

const [baseURL] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey: "sk-ant-client", maxRetries: 0 });
const messages = [{ role: "user", content: "Tell me in ten words or more of trains" }];
const asked = { model: "demo", max_tokens: 60, messages };
const tool = { name: "get_weather", description: "Says the weather.", input_schema: weather };

let whole;
await attempt("messages.create, whole", async () => {
  whole = await client.messages.create(asked);
  assert.deepEqual([whole.stop_reason, whole.usage.output_tokens], ["max_tokens", 60]);
});

await attempt("messages.create, stream", async () => {
  let text = "";
  for await (const event of await client.messages.create({ ...asked, stream: true }))
    if (event.type === "content_block_delta") text += event.delta.text;
  assert.equal(text, whole.content[0].text);
});

await attempt("messages.stream", async () => {
  const final = await client.messages.stream(asked).finalMessage();
  assert.deepEqual([final.content, final.usage], [whole.content, whole.usage]);
});

for (const model of ["demo", "scripted"]) {
  await attempt(`messages.stream, tool and its result, ${model}`, async () => {
    const turn = { model, max_tokens: 99, tools: [tool], messages: [{ role: "user", content: question }] };
    const use = await client.messages.stream(turn).finalMessage();
    assert.equal(use.stop_reason, "tool_use");
    const call = use.content.find((block) => block.type === "tool_use");
    assert.deepEqual(call.input, { city: "Paris" });

    const result = { type: "tool_result", tool_use_id: call.id, content: look(call.input) };
    const said = [
      { role: "assistant", content: use.content },
      { role: "user", content: [result] },
    ];
    const answer = await client.messages.create({ ...turn, messages: [...turn.messages, ...said] });
    assert.match(answer.content.at(-1).text, /15 degrees in Paris/);
  });

  for (const stream of [false, true])
    await attempt(`beta.messages.toolRunner, ${stream ? "stream" : "whole"}, ${model}`, async () => {
      const runner = client.beta.messages.toolRunner({
        model,
        max_tokens: 99,
        stream,
        messages: [{ role: "user", content: question }],
        tools: [{ ...tool, run: look }],
      });
      if (stream) for await (const turn of runner) await turn.finalMessage();
      const final = await runner.runUntilDone();
      assert.match(final.content.at(-1).text, /15 degrees in Paris/);
    });
}

await attempt("messages.countTokens, models, errors", async () => {
  const { input_tokens } = await client.messages.countTokens({ model: "demo", messages });
  assert.equal(input_tokens, whole.usage.input_tokens);
  assert.ok((await client.models.list()).data.some((model) => model.id === "demo"));
  await assert.rejects(client.messages.create({ ...asked, model: "nobodys" }), Anthropic.NotFoundError);
  await assert.rejects(client.messages.create({ model: "demo", messages }), Anthropic.BadRequestError);
});
done();

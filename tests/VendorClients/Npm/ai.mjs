// AI SDK with its provider for OpenAI: node ai.mjs <replica> <replica>
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import * as ai from "ai";
import { attempt, done, look, question, weather } from "./trying.mjs";

const [base, other] = process.argv.slice(2);
const openai = createOpenAI({ baseURL: `${base}/v1`, apiKey: "sk-client" });
const prompt = "Tell me in ten words or more of trains";

for (const [name, modelOf] of [
  ["openai(…)", (id) => openai(id)],
  ["openai.chat(…)", (id) => openai.chat(id)],
]) {
  const asked = { model: modelOf("demo"), maxRetries: 0, maxOutputTokens: 40, prompt };

  await attempt(`generateText, ${name}`, async () => {
    const whole = await ai.generateText(asked);
    assert.deepEqual([whole.finishReason, whole.usage.outputTokens], ["length", 40]);
  });

  await attempt(`streamText, ${name}`, async () => {
    const streaming = ai.streamText(asked);
    let text = "";
    for await (const piece of streaming.textStream) text += piece;
    assert.equal(text, (await ai.generateText(asked)).text);
    assert.equal(await streaming.finishReason, "length");
  });

  for (const id of ["demo", "scripted"]) {
    const get_weather = ai.tool({ inputSchema: ai.jsonSchema(weather), execute: look });
    const called = {
      model: modelOf(id),
      maxRetries: 0,
      tools: { get_weather },
      stopWhen: ai.stepCountIs(3),
      prompt: question,
    };
    await attempt(`generateText and streamText with a tool, ${name}, ${id}`, async () => {
      const whole = await ai.generateText(called);
      assert.match(whole.text, /15 degrees in Paris/);
      assert.equal(whole.steps.length, 2);
      assert.equal(await ai.streamText(called).text, whole.text);
    });
  }

  await attempt(`generateText with Output.object, ${name}`, async () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string" }, degrees: { type: "number" } },
      required: ["city", "degrees"],
      additionalProperties: false,
    };
    const output = ai.Output.object({ schema: ai.jsonSchema(schema) });
    const given = await ai.generateText({ model: modelOf("scripted"), maxRetries: 0, output, prompt });
    assert.deepEqual(given.output, { city: "Paris", degrees: 15 });
  });
}

await attempt("reasoning, openai(…)", async () => {
  const thought = await ai.generateText({ model: openai("scripted"), maxRetries: 0, prompt });
  assert.deepEqual([thought.reasoningText, thought.text], ["I think.", "Hello from the script."]);
});

await attempt("DefaultChatTransport, cut, reconnectToStream elsewhere", async () => {
  const [here, there] = [base, other].map(
    (url) => new ai.DefaultChatTransport({ api: `${url}/api/chat`, body: { model: "demo", max_tokens: 200 } }),
  );
  const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: prompt }] }];
  const chatId = `chat-${crypto.randomUUID()}`;
  const textOf = (chunks) => chunks.map((c) => (c.type === "text-delta" ? c.delta : "")).join("");

  const had = [];
  for await (const chunk of await here.sendMessages({ chatId, messages, trigger: "submit-message" }))
    if (had.push(chunk) > 8) break;
  const all = [];
  for await (const chunk of await there.reconnectToStream({ chatId })) all.push(chunk);

  assert.equal(all[0].messageId, had[0].messageId);
  assert.ok(textOf(all).startsWith(textOf(had)));
  assert.equal(all.at(-1).type, "finish");
});

await attempt("errors", async () => {
  const nobodys = ai.generateText({ model: openai("nobodys"), maxRetries: 0, prompt });
  await assert.rejects(nobodys, (error) => error.statusCode === 404);
});
done();

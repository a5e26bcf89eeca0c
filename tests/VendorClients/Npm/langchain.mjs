// LangChain's client for OpenAI: node langchain.mjs <replica> <replica>
import assert from "node:assert/strict";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";
import { attempt, done, look, question } from "./trying.mjs";

const [base] = process.argv.slice(2);
const schema = z.object({ city: z.string(), degrees: z.number() });
const get_weather = tool(look, {
  name: "get_weather",
  description: "Says the weather.",
  schema: z.object({ city: z.string() }),
});

for (const useResponsesApi of [false, true]) {
  const api = useResponsesApi ? "Responses" : "Chat Completions";
  const modelOf = (model, more = {}) =>
    new ChatOpenAI({
      model,
      useResponsesApi,
      apiKey: "sk-client",
      maxRetries: 0,
      configuration: { baseURL: `${base}/v1` },
      ...more,
    });
  const prompt = "Tell me in ten words or more of trains";

  await attempt(`invoke and stream, ${api}`, async () => {
    const model = modelOf("demo", { maxTokens: 40 });
    const whole = await model.invoke(prompt);
    assert.equal(whole.usage_metadata.output_tokens, 40);
    let streamed;
    for await (const chunk of await model.stream(prompt)) streamed = streamed ? streamed.concat(chunk) : chunk;
    assert.equal(streamed.text, whole.text);
    assert.equal(streamed.usage_metadata.output_tokens, 40);
  });

  for (const id of ["demo", "scripted"])
    await attempt(`bindTools, call and result, ${api}, ${id}`, async () => {
      const model = modelOf(id).bindTools([get_weather]);
      const called = await model.invoke(question);
      const [call] = called.tool_calls;
      assert.deepEqual([call.name, call.args], ["get_weather", { city: "Paris" }]);
      const result = await get_weather.invoke(call);
      const answer = await model.invoke([{ role: "user", content: question }, called, result]);
      assert.match(answer.text, /15 degrees in Paris/);
    });

  await attempt(`withStructuredOutput, ${api}`, async () => {
    const given = await modelOf("scripted").withStructuredOutput(schema, { method: "jsonSchema" }).invoke(prompt);
    assert.deepEqual(given, { city: "Paris", degrees: 15 });
  });

  await attempt(`errors, ${api}`, () =>
    assert.rejects(modelOf("nobodys").invoke(prompt), (error) => error.status === 404),
  );
}
done();

// A model that thinks for nine seconds behind a proxy that closes a connection after six silent seconds.
//   node thinking.mjs <base> <prompt> <refused prompt>
import assert from "node:assert/strict";
import http from "node:http";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [base, prompt, refused] = process.argv.slice(2);
const proxy = http.createServer((request, response) => {
  const onward = http.request(base + request.url, { method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
    answer.on("error", () => response.destroy());
  });

  onward.setTimeout(6_000, () => onward.destroy(new Error("The proxy timed out.")));
  onward.on("error", () => response.destroy());
  request.pipe(onward);
});
await new Promise((listening) => proxy.listen(0, "127.0.0.1", listening));
const address = `http://127.0.0.1:${proxy.address().port}`;
const openai = new OpenAI({ baseURL: `${address}/v1`, apiKey: "sk-client", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: address, apiKey: "sk-ant-client", maxRetries: 0 });
const asked = (content) => ({ model: "gpt-4o", max_tokens: 9, messages: [{ role: "user", content }] });

async function openAiText(content) {
  let text = "";
  for await (const chunk of await openai.chat.completions.create({ ...asked(content), stream: true }))
    text += chunk.choices[0]?.delta?.content ?? "";
  return text;
}

await Promise.all([
  openAiText(prompt).then((text) => assert.equal(text, "thought")),
  openai.chat.completions
    .stream(asked(prompt))
    .finalChatCompletion()
    .then(({ choices }) => assert.equal(choices[0].message.content, "thought")),
  anthropic.messages
    .stream(asked(prompt))
    .finalMessage()
    .then(({ content }) => assert.equal(content[0].text, "thought")),
  assert.rejects(openAiText(refused), (e) => e instanceof OpenAI.APIError && /thought better of it/.test(e.message)),
  assert.rejects(
    anthropic.messages.stream(asked(refused)).finalMessage(),
    (e) => e instanceof Anthropic.APIError && /thought better of it/.test(e.message),
  ),
]);
proxy.closeAllConnections();
proxy.close();
console.log("ok");

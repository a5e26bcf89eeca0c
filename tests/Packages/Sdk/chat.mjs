// The sample's chat by the clients of four vendors, one after the other: node chat.mjs <address>
import assert from "node:assert/strict";
import { HttpAgent } from "@ag-ui/client";
import Anthropic from "@anthropic-ai/sdk";
import { DefaultChatTransport } from "ai";
import OpenAI from "openai";

const [address] = process.argv.slice(2);
const signedIn = await fetch(`${address}/login?user=ann&password=tea`, { method: "POST" });
const { accessToken } = await signedIn.json();
const headers = { authorization: `Bearer ${accessToken}` };
const chat = `${address}/chats/${crypto.randomUUID()}`;

const openai = new OpenAI({ baseURL: `${chat}/v1`, apiKey: accessToken, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: chat, authToken: accessToken, maxRetries: 0 });
const model = "scripted";
const user = (content) => ({ role: "user", content });
const parameters = { type: "object", properties: {} };

// The chat remembers what each of them asks.
const asked = [];
const answerTo = (question) => {
  const before = `Before, you asked ${asked.length} times${asked.length ? `: ${asked.join(" ")}` : ""}`;
  asked.push(question);
  return `You asked: ${question} ${before} `;
};

// OpenAI's Chat Completions, as a stream and whole.
const streamed = await openai.chat.completions.create({ model, messages: [user("One?")], stream: true });
let text = "";
for await (const chunk of streamed) text += chunk.choices[0]?.delta.content ?? "";
assert.equal(text, answerTo("One?"));
const whole = await openai.chat.completions.create({ model, messages: [user("Two?")] });
assert.equal(whole.choices[0].message.content, answerTo("Two?"));

// A tool that the client runs.
const tools = [{ type: "function", function: { name: "locate", parameters } }];
const called = await openai.chat.completions.create({ model, messages: [user("Please locate me.")], tools });
asked.push("Please locate me.");
const [call] = called.choices[0].message.tool_calls;
assert.deepEqual([called.choices[0].finish_reason, call.function.name], ["tool_calls", "locate"]);
const result = { role: "tool", tool_call_id: call.id, content: "Osaka" };
const located = await openai.chat.completions.create({ model, messages: [result] });
assert.equal(located.choices[0].message.content, "It is Osaka. ");

// OpenAI's Responses, which can be read again.
const response = await openai.responses.create({ model, input: "Three?" });
assert.equal(response.output_text, answerTo("Three?"));
assert.equal((await openai.responses.retrieve(response.id)).output_text, response.output_text);

// Anthropic's Messages.
const message = await anthropic.messages.stream({ model, max_tokens: 99, messages: [user("Four?")] }).finalText();
assert.equal(message, answerTo("Four?"));
const use = await anthropic.messages.create({
  model,
  max_tokens: 99,
  messages: [user("Please locate me again.")],
  tools: [{ name: "locate", input_schema: parameters }],
});
asked.push("Please locate me again.");
assert.deepEqual([use.stop_reason, use.content[0].name], ["tool_use", "locate"]);
const toolResult = { type: "tool_result", tool_use_id: use.content[0].id, content: "Kyoto" };
const found = await anthropic.messages.create({ model, max_tokens: 99, messages: [user([toolResult])] });
assert.equal(found.content[0].text, "It is Kyoto. ");

// AI SDK's transport; a page that returns gets the answer that runs, once.
const transport = new DefaultChatTransport({ api: `${chat}/ui`, headers });
const read = async (stream) => {
  let deltas = "";
  for await (const chunk of stream) deltas += chunk.type === "text-delta" ? chunk.delta : "";
  return deltas;
};
const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: "Five?" }] }];
const sent = await transport.sendMessages({ chatId: "c", messages, trigger: "submit-message" });
const again = await transport.reconnectToStream({ chatId: "c" });
const five = answerTo("Five?");
assert.deepEqual(await Promise.all([read(sent), read(again)]), [five, five]);
assert.equal(await transport.reconnectToStream({ chatId: "c" }), null);

// AG-UI's agent, with a tool of the page.
const agent = new HttpAgent({ url: `${chat}/ag-ui`, headers, initialMessages: [{ id: "m1", ...user("Six?") }] });
await agent.runAgent({});
assert.equal(agent.messages.at(-1).content, answerTo("Six?"));
agent.addMessage({ id: "m2", ...user("Please locate me once more.") });
await agent.runAgent({ tools: [{ name: "locate", description: "Locates.", parameters }] });
const toolCallId = agent.messages.at(-1).toolCalls[0].id;
agent.addMessage({ id: "m3", role: "tool", toolCallId, content: "Nara" });
await agent.runAgent({});
assert.equal(agent.messages.at(-1).content, "It is Nara. ");

const history = await (await fetch(chat, { headers })).json();
assert.deepEqual(
  history.filter(({ role }) => role === "user").map((said) => said.text),
  [...asked, "Please locate me once more."],
);
assert.equal(history.filter(({ role }) => role === "assistant").length, 9);
console.log("ok");

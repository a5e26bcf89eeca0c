// AI SDK's chat transport: node ui-messages.mjs <replica> <replica> <upstream> <prompts as JSON>
import assert from "node:assert/strict";
import { DefaultChatTransport, readUIMessageStream } from "ai";

const [a, b, upstream, prompts] = process.argv.slice(2);
const { slow, release, thinking, answered, endless, dying, refused } = JSON.parse(prompts);
const replicas = [a, b];

const transportOf = (replica, body = {}) =>
  new DefaultChatTransport({ api: `${replica}/api/chat`, body: { provider: "openai", model: "gpt-4o", ...body } });
const user = (text, id = "u1") => ({ id, role: "user", parts: [{ type: "text", text }] });
const send = (replica, chatId, messages, { signal, ...body } = {}) =>
  transportOf(replica, body).sendMessages({ chatId, messages, trigger: "submit-message", abortSignal: signal });
const resume = (replica, chatId) => transportOf(replica).reconnectToStream({ chatId });

/** Reads chunks until one satisfies the condition, or to the end; then cuts the connection. */
async function read(stream, isEnough = () => false) {
  const chunks = [];

  for await (const chunk of stream) {
    chunks.push(chunk);
    if (isEnough(chunk, chunks)) break;
  }

  return chunks;
}

async function messageOf(chunks) {
  let message;
  const stream = ReadableStream.from(chunks);
  for await (const next of readUIMessageStream({ stream, terminateOnError: true })) message = next;
  return message;
}

const textOf = (chunks) => chunks.map((c) => (c.type === "text-delta" ? c.delta : "")).join("");
const typesOf = (chunks) => [...new Set(chunks.map((c) => c.type))];

// A chat without an answer has nothing to resume.
assert.equal(await resume(a, "never-asked"), null);

// Twenty cuts, each at another replica: always from the start, and the same message.
const chat = `chat/${crypto.randomUUID()}`;
let had = await read(await send(a, chat, [user(slow)]), (c) => c.type === "text-delta");
const { messageId } = had[0];
for (let cut = 0; cut < 20; cut++) {
  const before = textOf(had);
  had = await read(await resume(replicas[cut % 2], chat), (_, all) => textOf(all).length > before.length);
  assert.equal(had[0].type, "start");
  assert.equal(had[0].messageId, messageId);
  assert.ok(textOf(had).startsWith(before));
}
const releaseNext = () =>
  fetch(`${upstream}v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ messages: [{ role: "user", content: release }] }),
  });
const returned = [await resume(a, chat), await resume(b, chat)];
await releaseNext();
const wholes = await Promise.all(returned.map((stream) => read(stream)));
// An ended answer is not sent again: a page keeps its messages.
assert.equal(await resume(a, chat), null);
assert.deepEqual(wholes[0], wholes[1]);
assert.match(textOf(wholes[0]), /^(word\d+ 語 )+end$/);
assert.deepEqual(typesOf(wholes[0]), [
  "start",
  "start-step",
  "text-start",
  "text-delta",
  "text-end",
  "finish-step",
  "finish",
]);
const finish = wholes[0].at(-1);
assert.equal(finish.finishReason, "stop");
assert.equal(finish.messageMetadata.model, "gpt-4o");
assert.equal(finish.messageMetadata.usage.inputTokens, 7);
const message = await messageOf(wholes[0]);
assert.deepEqual(
  message.parts.map((p) => p.type),
  ["step-start", "text"],
);

// Reasoning and a call of the page's tool; its result continues the same message, also for who resumes.
const tools = [{ type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }];
const called = await messageOf(await read(await send(a, "tools-" + chat, [user(thinking)], { tools })));
const [, reasoning, call] = called.parts;
assert.deepEqual([reasoning.type, reasoning.text], ["reasoning", "Let me"]);
assert.deepEqual([call.type, call.state, call.input], ["tool-look", "input-available", { a: 1 }]);
const result = { ...call, state: "output-available", output: answered };
const withResult = { ...called, parts: [...called.parts.slice(0, 2), result] };
const asked = [user(thinking), withResult];
const continuing = await send(b, "tools-" + chat, asked, { tools });
const continuedHere = await resume(a, "tools-" + chat);
await releaseNext();
const continued = await read(continuing);
assert.equal(continued[0].messageId, called.id);
assert.equal(textOf(continued), "it is there");
const again = await messageOf(await read(continuedHere));
assert.equal(again.id, called.id);
assert.deepEqual(
  again.parts.map((p) => p.type),
  ["step-start", "reasoning", "tool-look", "step-start", "text"],
);
assert.equal(again.parts[2].output, answered);

// stop() sends nothing; the endpoint ends the answer for each of its readers.
const stopped = "stopped-" + chat;
const first = await send(a, stopped, [user(endless)]);
const second = read(await resume(b, stopped));
const reading = read(first);
await fetch(`${b}/api/chat/${encodeURIComponent(stopped)}/stream`, { method: "DELETE" });
assert.equal(await resume(a, stopped), null);
for (const chunks of [await reading, await second])
  assert.deepEqual(
    chunks.slice(-3).map((c) => c.type),
    ["text-end", "message-metadata", "abort"],
  );

// An answer that dies is an error of the chat; one that never begins, of the request.
const dead = await read(await send(a, "dead-" + chat, [user(dying)]));
assert.equal(dead.at(-1).type, "error");
assert.equal(textOf(dead), "half ");
assert.match(dead.at(-1).errorText, /\w/);
const errorOf = (request) =>
  request.then(
    () => assert.fail("must fail"),
    (e) => e,
  );
const early = await errorOf(send(a, "refused-" + chat, [user(refused)]));
assert.equal(early.statusCode, 429);
assert.match(JSON.parse(early.message).errorText, /slow down/);
for (const [messages, body, word] of [
  [[], {}, "messages"],
  [[{ id: "1", role: "user" }], {}, "parts"],
  [[{ id: "1", role: "robot", parts: [] }], {}, "role"],
  [[user("x")], { model: "no-such-model", provider: undefined }, "no-such-model"],
  [[{ ...user("x"), parts: [{ type: "file", mediaType: "audio/mp3", url: "data:,x" }] }], {}, "audio/mp3"],
]) {
  const wrong = await errorOf(send(a, chat, messages, body));
  assert.ok([400, 404].includes(wrong.statusCode), `${wrong.statusCode}`);
  const error = JSON.parse(wrong.message);
  assert.equal(error.type, "error");
  assert.ok(error.errorText.includes(word), error.errorText);
}

console.log("ok");

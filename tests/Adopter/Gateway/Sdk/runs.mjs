// Runs of an application by the clients of five protocols, cut off in the middle and gone on with, or read anew, in
// another process, where the run does not work: node runs.mjs <process> <other process>
import assert from "node:assert/strict";
import { HttpAgent } from "@ag-ui/client";
import Anthropic from "@anthropic-ai/sdk";
import { DefaultChatTransport } from "ai";
import OpenAI from "openai";

const [here, there] = process.argv.slice(2);
// A cut rejects runAgent, and leaves a rejection that nobody handles behind.
process.on("unhandledRejection", () => {});

const words = Array.from({ length: 10 }, (_, i) => `word${i} 語 `);
const half = words.slice(0, 5).join("");
const whole = `${words.join("")}end`;
const more = async (question) => {
  const { status } = await fetch(`${here}/more?question=${question}`, { method: "POST" });
  assert.equal(status, 200);
};

/** The text of a run's own events, which the other process reads from the log. */
async function ownText(id) {
  const frames = await (await fetch(`${there}/answers/${id}`)).text();
  const updates = [...frames.matchAll(/^event: update\ndata: (.*)$/gm)].map((match) => JSON.parse(match[1]));
  return updates
    .flatMap((update) => update.contents)
    .map((content) => (content.$type === "text" ? content.text : ""))
    .join("");
}

/** OpenAI's Responses. */
async function responses() {
  const [first, second] = [here, there].map(
    (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 }),
  );

  const textOf = (events) => events.map((e) => (e.type === "response.output_text.delta" ? e.delta : "")).join("");

  const events = [];
  const asked = { model: "own", input: "responses", stream: true, background: true };
  for await (const event of await first.responses.create(asked))
    if (events.push(event) && textOf(events) === half) break;

  const { response } = events[0];
  const last = events.at(-1).sequence_number;
  const begun = await second.responses.retrieve(response.id);
  assert.deepEqual([begun.status, begun.output_text], ["in_progress", half]);

  const rest = await second.responses.retrieve(response.id, { stream: true, starting_after: last });
  await more("responses");
  for await (const event of rest) events.push(event);

  assert.deepEqual(
    events.map((e) => e.sequence_number),
    events.map((_, i) => i),
  );

  assert.equal(textOf(events), whole);
  const { usage } = events.at(-1).response;
  assert.deepEqual([usage.input_tokens, usage.output_tokens], [7, 11]);

  const helped = await second.responses.stream({ response_id: response.id }).finalResponse();
  assert.deepEqual([helped.status, helped.model, helped.output_text], ["completed", "own-model", whole]);

  // A call that the application has answered is none of the client's.
  assert.deepEqual(
    helped.output.map((item) => item.type),
    ["reasoning", "message"],
  );

  assert.equal(await ownText(response.id.slice("resp_".length)), whole);
}

/** AI SDK's transport. */
async function uiMessages() {
  const [first, second] = [here, there].map((url) => new DefaultChatTransport({ api: `${url}/api/chat` }));
  const textOf = (chunks) => chunks.map((c) => (c.type === "text-delta" ? c.delta : "")).join("");

  const read = async (stream, isEnough = () => false) => {
    const chunks = [];
    for await (const chunk of stream) if (chunks.push(chunk) && isEnough(chunks)) break;
    return chunks;
  };

  const chatId = crypto.randomUUID();
  const messages = [{ id: "u1", role: "user", parts: [{ type: "text", text: "chat" }] }];

  assert.equal(await second.reconnectToStream({ chatId }), null);
  const sent = await first.sendMessages({ chatId, messages, trigger: "submit-message" });
  const had = await read(sent, (chunks) => textOf(chunks) === half);

  const resumed = await second.reconnectToStream({ chatId });
  const reading = read(resumed);

  await more("chat");
  const replay = await reading;
  assert.deepEqual(replay.slice(0, had.length), had);
  assert.equal(textOf(replay), whole);
  assert.ok(replay.some((c) => c.type === "tool-output-available" && c.output === "seen"));
  const { finishReason, messageMetadata: end } = replay.at(-1);
  assert.deepEqual([finishReason, end.model, end.usage.outputTokens], ["stop", "own-model", 11]);
  assert.equal(await ownText(chatId), whole);
}

/** AG-UI's agent, whose verifier refuses a wrong order. */
async function agUi() {
  const threadId = crypto.randomUUID();
  const runId = crypto.randomUUID();
  const run = (url, messages, isEnough = () => false) => {
    const agent = new HttpAgent({ url: `${url}/agent`, threadId, initialMessages: messages });
    const events = [];
    const failures = [];
    const subscriber = {
      onEvent({ event }) {
        events.push(structuredClone(event)); // the client goes on with its messages
        if (isEnough(events)) agent.abortRun();
      },
      onRunFailed({ error }) {
        failures.push(error);
      },
    };

    const ended = agent.runAgent({ runId }, subscriber).catch((error) => failures.push(error));
    return { agent, events, failures, ended };
  };

  const deltasOf = (events) => events.filter((e) => e.type === "TEXT_MESSAGE_CONTENT").map((e) => e.delta);

  // The first words may have come before their reader.
  const snapshotOf = (events) =>
    events.find((e) => e.type === "MESSAGES_SNAPSHOT")?.messages.findLast((m) => m.role === "assistant")?.content ?? "";
  const textOf = (events) => snapshotOf(events) + deltasOf(events).join("");

  const asked = [{ id: "u1", role: "user", content: "agent" }];
  const cut = run(here, asked, (events) => textOf(events) === half);
  await cut.ended;

  let opened;
  const hasSnapshot = new Promise((resolve) => (opened = resolve));

  const back = run(there, cut.agent.messages, (events) => {
    if (events.at(-1).type === "MESSAGES_SNAPSHOT") opened();
    return false;
  });

  await hasSnapshot;
  await more("agent");
  await back.ended;
  assert.deepEqual(back.failures, []);

  assert.deepEqual(
    back.agent.messages.map((m) => [m.role, m.content]),
    [
      ["user", "agent"],
      ["reasoning", "It is long."],
      ["assistant", undefined],
      ["tool", "seen"],
      ["assistant", whole],
    ],
  );

  assert.deepEqual([snapshotOf(back.events), deltasOf(back.events)], [half, [...words.slice(5), "end"]]);
  const last = back.events.at(-1);
  assert.deepEqual([last.type, last.outcome, last.usage[0].model], ["RUN_FINISHED", { type: "success" }, "own-model"]);
  assert.equal(await ownText(runId), whole);
}

/** OpenAI's Chat Completions and Anthropic's Messages, by the client of each in another process. */
async function vendors() {
  const openai = new OpenAI({ baseURL: `${here}/v1`, apiKey: "none", maxRetries: 0 });
  const anthropic = new Anthropic({ baseURL: there, apiKey: "none", maxRetries: 0 });
  const asked = { model: "own", messages: [{ role: "user", content: "vendors" }] };
  const options = { stream: true, stream_options: { include_usage: true } };

  const chunks = [];
  let text = "";
  for await (const chunk of await openai.chat.completions.create({ ...asked, ...options })) {
    chunks.push(chunk);
    text += chunk.choices[0]?.delta.content ?? "";
    if (text === half) await more("vendors");
  }
  assert.equal(text, whole);
  const { usage, model } = chunks.at(-1);
  assert.deepEqual([usage.prompt_tokens, usage.completion_tokens, model], [7, 11, "own-model"]);
  assert.deepEqual(
    chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []),
    ["stop"],
  );
  // A call that the application has answered is none of the client's.
  assert.ok(chunks.every(({ choices }) => !choices[0]?.delta.tool_calls));
  assert.ok(chunks.every(({ id }) => id === "chatcmpl-vendors"));

  const completion = await openai.chat.completions.create(asked);
  const { message, finish_reason } = completion.choices[0];
  assert.deepEqual([message.content, message.reasoning_content, finish_reason], [whole, "It is long.", "stop"]);

  const said = await anthropic.messages.stream({ ...asked, max_tokens: 9 }).finalMessage();
  assert.deepEqual(
    said.content.map((block) => block.thinking ?? block.text),
    ["It is long.", whole],
  );
  assert.deepEqual([said.stop_reason, said.usage.output_tokens, said.model], ["end_turn", 11, "own"]);
  assert.deepEqual((await anthropic.messages.create({ ...asked, max_tokens: 9 })).content, said.content);

  // A call that waits is the client's, and a failure is an error, as a status where there is no stream.
  const where = { model: "own", messages: [{ role: "user", content: "where" }] };
  const called = (await openai.chat.completions.create(where)).choices[0];
  assert.deepEqual([called.finish_reason, called.message.tool_calls[0].function.name], ["tool_calls", "locate"]);
  const used = await anthropic.messages.create({ ...where, max_tokens: 9 });
  assert.deepEqual([used.stop_reason, used.content[1].name, used.content[1].input], ["tool_use", "locate", {}]);

  const fail = { model: "own", messages: [{ role: "user", content: "fail" }] };
  await more("fail");
  const isServers = (error) => error.status >= 500;
  await assert.rejects(openai.chat.completions.create(fail), isServers);
  await assert.rejects(anthropic.messages.create({ ...fail, max_tokens: 9 }), isServers);
  await assert.rejects(async () => {
    for await (const _ of await openai.chat.completions.create({ ...fail, stream: true }));
  }, /The server failed/);
  await assert.rejects(anthropic.messages.stream({ ...fail, max_tokens: 9 }).finalMessage(), /The server failed/);
}

await vendors();
await responses();
await uiMessages();
await agUi();
console.log("ok");

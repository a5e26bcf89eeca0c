// AG-UI's HttpAgent, whose events pass its own verifier: node ag-ui.mjs <replica> <replica> <runs> <cuts> <prompts>
import assert from "node:assert/strict";
import { HttpAgent } from "@ag-ui/client";

const [a, b, runs, cuts, prompts] = process.argv.slice(2);
const { thinking, answered, endless, dying, refused } = JSON.parse(prompts);
const replicas = [a, b];
// A cut rejects runAgent, and leaves a rejection that nobody handles behind.
process.on("unhandledRejection", () => {});

const agentOf = (replica, threadId, initialMessages) =>
  new HttpAgent({ url: `${replica}/agents/ag-ui`, threadId, initialMessages });
const user = (content) => ({ id: "u1", role: "user", content });
const openai = { provider: "openai", model: "gpt-4o" };

/** Runs, or rejoins a run. Cuts the connection once isEnough. */
async function run(agent, runId, { isEnough = () => false, forwardedProps = openai, ...rest } = {}) {
  const events = [];
  const failures = [];
  const subscriber = {
    onEvent({ event }) {
      events.push(event);
      if (isEnough(events)) agent.abortRun();
    },
    onRunFailed({ error }) {
      failures.push(error);
    },
  };

  await agent.runAgent({ runId, forwardedProps, ...rest }, subscriber).catch((error) => failures.push(error));
  return { events, failures, last: events.at(-1) };
}

const ownOf = (agent) => agent.messages.filter((m) => m.role === "assistant");
const contents = (events) => events.filter((e) => e.type === "TEXT_MESSAGE_CONTENT").length;

/** An answer of the demo model, cut again and again; returns the client's text and the server's. */
async function cutOff(index) {
  const threadId = `thread-${crypto.randomUUID()}`;
  const runId = `run/${index}`;
  const forwardedProps = { model: "demo", max_tokens: 60 + (index % 40) };
  let messages = [user(`Question ${index}: what does a reader have after a cut?`)];
  for (let cut = 0; ; cut++) {
    const agent = agentOf(replicas[(index + cut) % 2], threadId, messages);
    const isLast = cut === Number(cuts);
    const isEnough = (events) => !isLast && contents(events) > cut % 2;
    const { events, failures, last } = await run(agent, runId, { isEnough, forwardedProps });

    assert.equal(events[0].type, "RUN_STARTED");
    messages = agent.messages;
    assert.equal(ownOf(agent).length, 1, JSON.stringify(events));
    if (!isLast) continue;

    assert.deepEqual(failures, []);
    assert.equal(last.type, "RUN_FINISHED");
    assert.equal(last.outcome.type, "success");
    const [answer] = ownOf(agent);
    const state = await (await fetch(`${a}/v1/generations/${answer.id}`)).json();
    return [answer.content, state.text, last.usage[0].outputTokens, state.usage.outputTokens];
  }
}

let next = 0;
const workers = Array.from({ length: 25 }, async () => {
  while (next < Number(runs)) {
    const [text, whole, tokens, counted] = await cutOff(next++);
    assert.equal(text, whole);
    assert.equal(tokens, counted);
  }
});
await Promise.all(workers);

// Reasoning, a call of the page's tool, and its result in the next run.
const tools = [{ name: "look", description: "Looks.", parameters: { type: "object", properties: {} } }];
const image = { type: "image", source: { type: "url", value: "https://cdn.test/my%20photo.png?sig=a%2Bb" } };
const asked = user([{ type: "text", text: thinking }, image]);
const agent = agentOf(a, crypto.randomUUID(), [asked]);
const context = [{ description: "The user's city", value: "Kyoto" }];
const { failures, last } = await run(agent, "r1", { tools, context });
assert.deepEqual(failures, []);
assert.deepEqual(last.outcome, { type: "success", pendingToolCallIds: ["t1"] });
const [, reasoning, call] = agent.messages;
assert.deepEqual([reasoning.role, reasoning.content], ["reasoning", "Let me"]);
assert.deepEqual(call.toolCalls[0].function, { name: "look", arguments: '{"a":1}' });
const rejoined = agentOf(b, agent.threadId, [asked]);
await run(rejoined, "r1", { tools });
assert.deepEqual(rejoined.messages, agent.messages);
const elsewhere = agentOf(b, agent.threadId, []);
await run(elsewhere, "r1");
assert.deepEqual(elsewhere.messages, agent.messages);
agent.messages = [...agent.messages, { id: "x", role: "tool", toolCallId: "t1", content: answered }];
await run(agent, "r2", { tools });
assert.equal(agent.messages.at(-1).content, "it is there");

// abortRun() sends nothing; the endpoint ends the run for each of its readers.
const stopping = agentOf(a, "a thread/" + crypto.randomUUID(), [user(endless)]);
await run(stopping, "r1", { isEnough: (events) => contents(events) > 0 });
const reading = run(agentOf(b, stopping.threadId, stopping.messages), "r1");
const address = `${b}/agents/ag-ui/${encodeURIComponent(stopping.threadId)}`;
assert.equal((await fetch(`${address}/r1`, { method: "DELETE" })).status, 204);
assert.deepEqual((await reading).last.outcome, { type: "cancelled" });
assert.equal((await fetch(`${address}/r2`, { method: "DELETE" })).status, 404);

// An answer that dies is an event, for a later reader too; one that never begins is a status.
const dead = agentOf(a, crypto.randomUUID(), [user(dying)]);
for (const replica of replicas) {
  const again = agentOf(replica, dead.threadId, [user(dying)]);
  const { events } = await run(again, "r1");
  assert.equal(events.at(-1).type, "RUN_ERROR");
  assert.equal(again.messages.at(-1).content, "half ");
}
const statusOf = async (messages, more) => {
  const { failures } = await run(agentOf(a, crypto.randomUUID(), messages), "r1", more);
  return [failures[0]?.status, failures[0]?.payload?.type];
};
assert.deepEqual(await statusOf([user(refused)]), [429, "RUN_ERROR"]);
assert.deepEqual(await statusOf([]), [400, "RUN_ERROR"]);
const resume = [{ interruptId: "i", status: "resolved" }];
assert.deepEqual(await statusOf([user("x")], { resume }), [400, "RUN_ERROR"]);

console.log("ok");

// AG-UI's client: node ag-ui.mjs <replica> <replica>
import assert from "node:assert/strict";
import { HttpAgent, verifyEvents } from "@ag-ui/client";
import { from, lastValueFrom, toArray } from "rxjs";
import { attempt, done, question, weather } from "./trying.mjs";

const [here, there] = process.argv.slice(2);
// A cut rejects runAgent, and leaves a rejection that nobody handles behind.
process.on("unhandledRejection", () => {});

const user = (content) => ({ id: "u1", role: "user", content });
const agentOf = (replica, threadId, initialMessages) =>
  new HttpAgent({ url: `${replica}/agents/ag-ui`, threadId, initialMessages });

async function run(agent, runId, parameters, isEnough = () => false) {
  const events = [];
  const subscriber = {
    onEvent({ event }) {
      events.push(event);
      if (isEnough(events)) agent.abortRun();
    },
  };
  await agent.runAgent({ runId, ...parameters }, subscriber).catch((error) => {
    if (!isEnough(events)) throw error;
  });
  return events;
}

const demo = { forwardedProps: { model: "demo", max_tokens: 200 } };
const scripted = { forwardedProps: { model: "scripted" } };
const contents = (events) => events.filter((event) => event.type === "TEXT_MESSAGE_CONTENT");
const textOf = (agent) => agent.messages.filter((m) => m.role === "assistant").map((m) => m.content);

await attempt("HttpAgent.runAgent, and verifyEvents", async () => {
  const agent = agentOf(here, crypto.randomUUID(), [user("Tell me of trains")]);
  const events = await run(agent, "r1", demo);
  assert.deepEqual([events[0].type, events.at(-1).type], ["RUN_STARTED", "RUN_FINISHED"]);
  assert.deepEqual(textOf(agent), [
    contents(events)
      .map((event) => event.delta)
      .join(""),
  ]);
  const verified = await lastValueFrom(from(events).pipe(verifyEvents(false), toArray()));
  assert.equal(verified.length, events.length);
});

await attempt("reasoning", async () => {
  const agent = agentOf(here, crypto.randomUUID(), [user("hello")]);
  await run(agent, "r1", scripted);
  assert.deepEqual(
    agent.messages.slice(1).map((message) => [message.role, message.content]),
    [
      ["reasoning", "I think."],
      ["assistant", "Hello from the script."],
    ],
  );
});

for (const [name, props] of Object.entries({ demo, scripted }))
  await attempt(`a tool of the page and its result, ${name}`, async () => {
    const agent = agentOf(here, crypto.randomUUID(), [user(question)]);
    const tools = [{ name: "get_weather", description: "Says the weather.", parameters: weather }];
    await run(agent, "r1", { ...props, tools });
    const [call] = agent.messages.findLast((message) => message.toolCalls).toolCalls;
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris" });

    const result = { id: "t1", role: "tool", toolCallId: call.id, content: "15 degrees in Paris" };
    agent.messages = [...agent.messages, result];
    await run(agent, "r2", { ...props, tools });
    assert.match(agent.messages.at(-1).content, /15 degrees in Paris/);
  });

await attempt("cut, and the same run elsewhere", async () => {
  const threadId = crypto.randomUUID();
  const first = agentOf(here, threadId, [user("Tell me of trains")]);
  await run(first, "r1", demo, (events) => contents(events).length > 5);
  const second = agentOf(there, threadId, first.messages);
  const events = await run(second, "r1", demo);

  assert.equal(events.at(-1).type, "RUN_FINISHED");
  const [text, ...more] = textOf(second);
  assert.deepEqual(more, []);
  const { id } = second.messages.find((message) => message.role === "assistant");
  assert.equal(text, (await (await fetch(`${here}/v1/generations/${id}`)).json()).text);
});
done();

// AI SDK's chat, as useChat has it, with a tool that the page runs: node page-tool.mjs <process>
import assert from "node:assert/strict";
import { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithToolCalls } from "ai";

const [base] = process.argv.slice(2);

/** What useChat keeps in React's state. */
class PageState {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => this.messages.push(structuredClone(message));
  popMessage = () => this.messages.pop();
  replaceMessage = (index, message) => (this.messages[index] = structuredClone(message));
  snapshot = (thing) => structuredClone(thing);
}

class PageChat extends AbstractChat {}

let requests = 0;
const chat = new PageChat({
  id: crypto.randomUUID(),
  state: new PageState(),
  transport: new DefaultChatTransport({
    api: `${base}/api/chat`,
    fetch: (url, init) => (++requests > 9 ? Promise.reject(new Error("endless")) : fetch(url, init)),
  }),
  sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
});

await fetch(`${base}/more?question=Osaka`, { method: "POST" });
await chat.sendMessage({ text: "where" });
const begun = chat.lastMessage;
assert.equal(begun.role, "assistant");

const ended = new Promise((resolve) => (chat.onFinish = resolve));
await chat.addToolOutput({ tool: "locate", toolCallId: "place", output: "Osaka" });
await ended;
assert.equal(chat.error, undefined);

assert.deepEqual(
  chat.messages.map((message) => message.role),
  ["user", "assistant"],
);

const { id, parts } = chat.lastMessage;
assert.equal(id, begun.id);
const texts = parts.filter((part) => part.type === "text").map((part) => part.text);
assert.equal(texts[0], "I look. ");
assert.equal(texts.length, 2);
assert.match(texts[1], /^word0 語 .*end$/);

// The application has answered its own call: the page does not ask again by itself.
await new Promise((resolve) => setTimeout(resolve, 200));
assert.equal(requests, 2);
assert.equal(chat.status, "ready");
console.log("ok");

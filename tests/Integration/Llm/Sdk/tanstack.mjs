// TanStack AI's chat behind a proxy that resets each connection, and leads the next one to the other replica. The
// client resumes by itself: node tanstack.mjs <replica> <replica> <runs>
import assert from "node:assert/strict";
import net from "node:net";
import { ChatClient, fetchServerSentEvents } from "@tanstack/ai-client";

const [a, b, runs] = process.argv.slice(2);
const replicas = [new URL(a), new URL(b)];

/** Passes on so many bytes of each answer, one more at each connection, so that it cuts everywhere in a frame; and
 * once right after the answer's end. */
async function proxyOf(bytes) {
  let connections = 0;
  let hasEnded = false;
  const server = net.createServer((client) => {
    let left = bytes + connections;
    const { hostname, port } = replicas[connections++ % 2];
    const replica = net.connect(port, hostname);
    client.pipe(replica);
    replica.on("data", (data) => {
      const end = data.indexOf("RUN_FINISHED");
      if (end >= 0 && !hasEnded && left >= data.length) {
        hasEnded = true;
        left = data.indexOf("\n\n", end) + 2;
      }
      client.write(data.subarray(0, left));
      left -= data.length;
      if (left <= 0) client.end(() => client.resetAndDestroy());
    });
    replica.on("end", () => client.end());
    for (const socket of [client, replica]) socket.on("error", () => {});
    client.on("close", () => replica.destroy());
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { server, url: `http://127.0.0.1:${server.address().port}`, count: () => connections };
}

async function ask(run) {
  const proxy = await proxyOf(1_200 + 37 * run);
  const types = [];
  const errors = [];
  let id;
  const client = new ChatClient({
    connection: fetchServerSentEvents(`${proxy.url}/agents/ag-ui`, { reconnect: { delayMs: 5 } }),
    forwardedProps: { model: "demo", max_tokens: 300 + run },
    onChunk(chunk) {
      types.push(chunk.type);
      if (chunk.type === "TEXT_MESSAGE_START") id = chunk.messageId;
    },
    onError: (error) => errors.push(error),
  });
  await client.sendMessage(`Question ${run}: what does a reader have after a cut?`);
  proxy.server.close();

  const answer = client.getMessages().at(-1);
  const text = answer.parts.map((part) => (part.type === "text" ? part.content : "")).join("");
  const state = await (await fetch(`${a}/v1/generations/${id}`)).json();
  assert.deepEqual(errors, []);
  assert.equal(text, state.text);
  assert.ok(proxy.count() > 2, `${proxy.count()} connections`);
  for (const once of ["RUN_STARTED", "TEXT_MESSAGE_START"])
    assert.equal(types.filter((type) => type === once).length, 1, once);
  // The body breaks after the end, so the client asks for the rest, and is told of the end again.
  assert.deepEqual(types.slice(-2), ["RUN_FINISHED", "RUN_FINISHED"]);
  assert.ok(!types.includes("MESSAGES_SNAPSHOT"));
}

await Promise.all(Array.from({ length: Number(runs) }, (_, run) => ask(run)));
console.log("ok");

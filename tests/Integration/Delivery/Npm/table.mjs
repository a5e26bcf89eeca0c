// Clients read 120 events through fronts that break their streams twice. Prints what each got in the end: ok (each
// event once, in order), loses, repeats, or stops (it has given up).
import { createServer, request } from "node:http";

const [server, ...chosen] = process.argv.slice(2);
const events = 120;
const batch = 10;
const faults = [40, 80];
const marker = 0; // comes after all of them, again and again

// What happens when the 40th and the 80th event pass. `write` sends bytes to the client, `cut` breaks its connection.
const rows = {
  cut: ({ frame, write, cut }) => {
    write(frame);
    cut();
  },
  half: ({ frame, write, cut }) => {
    write(frame.slice(0, frame.length / 2));
    cut();
  },
  delete: async ({ frame, write, connection }) => {
    write(frame);
    await fetch(`${server}/v1/connections/${connection}`, { method: "DELETE" });
  },
  503: (passing) => refuse(passing, 503),
  429: (passing) => refuse(passing, 429),
  down: ({ frame, write, front }) => {
    write(frame);
    if (front.faults.length > 1) return;
    front.http.close();
    front.http.closeAllConnections();
    setTimeout(() => front.http.listen(front.port, "127.0.0.1"), 8_000);
  },
};

function refuse({ frame, write, cut, front }, status) {
  write(frame);
  front.refusals = [status, status];
  cut();
}

async function openFront(row) {
  const front = { faults: [...faults], refusals: [] };
  front.open = new Promise((open) => (front.opened = open));

  front.http = createServer((asked, answer) => {
    const refusal = front.refusals.shift();
    if (refusal) return answer.writeHead(refusal, { "retry-after": "1" }).end();

    const headers = { ...asked.headers, connection: "close" };
    const forwarded = request(`${server}${asked.url}`, { headers }, (reply) => {
      const { "transfer-encoding": _, connection: __, ...own } = reply.headers;
      answer.writeHead(reply.statusCode, { ...own, "access-control-allow-origin": "*" });
      relay(reply.setEncoding("utf8"), answer, row, front);
    });

    forwarded.on("error", () => answer.destroy()).end();
    answer.on("close", () => forwarded.destroy());
  });

  await new Promise((listening) => front.http.listen(0, "127.0.0.1", listening));
  front.port = front.http.address().port;

  return front;
}

async function relay(reply, answer, row, front) {
  let rest = "";
  let connection = "";
  const write = (text) => answer.write(text);
  const cut = () => answer.destroy();
  try {
    for await (const chunk of reply) {
      const frames = (rest + chunk).split(/(?<=\n\n)/);
      rest = frames.at(-1).endsWith("\n\n") ? "" : frames.pop();

      for (const frame of frames) {
        const connected = /"connectionId":"([^"]+)"/.exec(frame);
        if (connected) {
          connection = connected[1];
          front.opened();
        }

        const number = Number(/^event: message\ndata: (\d+)$/m.exec(frame)?.[1]);
        if (number !== front.faults[0]) write(frame);
        else {
          await row({ frame, write, cut, connection, front });
          front.faults.shift();
        }

        if (answer.destroyed) return;
      }
    }

    answer.end(rest);
  } catch {
    cut();
  }
}

async function read(open, row, topic) {
  const front = await openFront(rows[row]);
  const got = [];
  let close;
  const ended = new Promise((end) => {
    const url = `http://127.0.0.1:${front.port}/v1/events/stream?topic=${topic}`;
    const take = (data) => {
      if (Number(data) !== marker) got.push(Number(data));
      if ([events, marker].includes(Number(data))) end(false);
    };

    close = open(url, take, () => end(true));
    setTimeout(() => end(true), 120_000).unref();
  });

  const result = ended.then((stopped) => {
    close();
    front.http.close();
    front.http.closeAllConnections();
    if (stopped) return "stops";
    if (new Set(got).size < events) return "loses";

    return got.every((number, index) => number === index + 1) ? "ok" : "repeats";
  });

  return { topic, open: front.open, result };
}

async function publish(cells, numbers) {
  const body = cells.flatMap(({ topic }) => numbers.map((data) => ({ topic, type: "message", data })));
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${server}/v1/events`, { method: "POST", headers, body: JSON.stringify(body) });

  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
  await new Promise((later) => setTimeout(later, 500));
}

/**
 * Prints the table of clients. Each is a function that opens a stream's URL, gives the data of its messages to its
 * second argument, calls the third when it has given up, and returns what closes it.
 */
export async function printTable(clients) {
  const names = Object.keys(clients).filter((name) => chosen.length === 0 || chosen.includes(name));
  const table = Object.fromEntries(names.map((client) => [client, {}]));
  const cells = [];

  for (const [number, client] of names.entries())
    for (const row of Object.keys(rows)) {
      const cell = await read(clients[client], row, `npm.${row}.n${number}`);
      cells.push({ ...cell, done: cell.result.then((result) => (table[client][row] = result)) });
    }

  await Promise.all(cells.map((cell) => cell.open));

  for (let first = 1; first <= events; first += batch)
    await publish(
      cells,
      Array.from({ length: batch }, (_, n) => first + n),
    );

  const done = Promise.all(cells.map((cell) => cell.done)).then(() => true);
  while (!(await Promise.race([done, publish(cells, [marker])])));
  const order = ["cut", "half", "delete", "503", "429", "down"]; // an object has its numbers first
  console.log(`client | ${order.join(" | ")}`);

  for (const [client, results] of Object.entries(table))
    console.log(`${client} | ${order.map((row) => results[row]).join(" | ")}`);

  process.exit(0);
}

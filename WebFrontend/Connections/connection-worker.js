// Reads /v1/connections/stream off the page's thread: parses, sorts and counts ten thousand rows a second,
// and posts only the visible ones to the page.
import { SseClient } from "../lib/sse.js";
import { ConnectionTable } from "./connection-table.js";

const SHORTEST_WINDOW = 500; // milliseconds
const table = new ConnectionTable();
const view = { sort: "p99", descending: true, filter: "", state: "", from: 0, to: 0, hold: false };
let wants = {};
let quietAfter;
let client;
let url;
let heat = { ids: [] };
let countedAt = -Infinity;

const handlers = {
  open(message) {
    ({ url, wants, quietAfter } = message);
    open();
  },
  pause() {
    client?.close();
    client = undefined;
  },
  resume: open,
  reconnect() {
    if (client?.state.state !== "closed") return client?.reconnect();
    client = undefined;
    open();
  },
  view(message) {
    Object.assign(view, message);

    if (message.sort !== undefined)
      table.arrange({ ...view, hold: false }); // the visitor's own change
    else if (message.hold !== undefined) table.arrange(view);

    rows();
  },
  at: ({ index }) => postMessage({ at: index, row: table.get(heat.ids[index]) }),
};
onmessage = ({ data: { ask, ...message } }) => handlers[ask](message);

function open() {
  if (client || !url) return;

  const opened = (client = new SseClient(url, { quietAfter }));
  opened.on("snapshot", (message) => {
    table.replace(message.json().connections);
    countedAt = -Infinity;
    show();
  });

  opened.on("update", (message) => {
    table.update(message.json());
    show();
  });

  opened.onState((state) => postMessage({ state }));
}

function show() {
  // Two updates at once, as after a reconnection, would give a rate over almost no time.
  const now = performance.now();
  if (now - countedAt > SHORTEST_WINDOW) postMessage({ totals: table.count((countedAt = now)) });

  if (wants.rows) {
    table.arrange(view);
    rows();
  }

  if (wants.heat) {
    heat = table.heat();
    postMessage({ heat: { bands: heat.bands, counts: heat.counts } });
  }
}

function rows() {
  postMessage({
    rows: table.slice(view.from, view.to),
    from: view.from,
    shown: table.shown,
    size: table.size,
    known: table.known,
  });
}

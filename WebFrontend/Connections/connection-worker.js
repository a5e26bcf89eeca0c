// Reads /v1/connections/stream away from the page's thread: ten thousand rows a second are parsed, sorted and counted here, and the page
// is told only what it shows.
import { SseClient } from "../lib/sse.js";
import { ConnectionTable } from "./connection-table.js";

const SHORTEST = 500; // milliseconds
const table = new ConnectionTable();
const view = { sort: "p99", descending: true, filter: "", state: "", from: 0, to: 0, hold: false };
let wants = {};
let client;
let url;
let heat = { ids: [] };
let countedAt = -Infinity;

const asked = {
  open(message) {
    ({ url, wants } = message);
    open();
  },
  pause() {
    client?.close();
    client = undefined;
  },
  resume: open,
  reconnect: () => client?.reconnect(),
  view(message) {
    const scrolled = Object.keys(message).every((name) => name === "from" || name === "to");
    Object.assign(view, message);
    if (!scrolled) table.arrange(view);
    rows();
  },
  at: ({ index }) => postMessage({ at: index, row: table.get(heat.ids[index]) }),
};
onmessage = ({ data: { ask, ...message } }) => asked[ask](message);

function open() {
  if (client || !url) return;
  const opened = (client = new SseClient(url));
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
  // Two updates at once, as after a break, would make a rate of a moment.
  const now = performance.now();
  if (now - countedAt > SHORTEST) postMessage({ totals: table.count((countedAt = now)) });
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

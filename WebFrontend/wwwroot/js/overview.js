import { streamApi, textsOf } from "./text.js";

const text = textsOf(document.getElementById("overview"));
const [rows, note] = [document.getElementById("replica-rows"), document.getElementById("replica-note")];

for (;;) {
  if (document.visibilityState === "visible") await refresh();
  await new Promise((resolve) => setTimeout(resolve, 2000));
}

async function refresh() {
  try {
    const response = await fetch(`${streamApi}/v1/replicas`, { signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error(response.statusText);
    const replicas = await response.json();
    rows.replaceChildren(...replicas.map(row));
    say(replicas.length === 0 ? text("none") : "");
  } catch {
    say(text("unreachable", { url: streamApi }));
  }
}

function row({ name, connections, lag, head, mode }) {
  const made = document.createElement("tr");
  made.append(cell("th", name), cell("td", connections.toLocaleString(), "number"), cell("td", lag.toLocaleString(), "number"), cell("td", head, "id"));
  const state = cell("td", text(mode), "mode");
  state.dataset.mode = mode;
  made.append(state);
  return made;
}

function cell(name, content, style = "") {
  const made = document.createElement(name);
  made.textContent = content;
  made.className = style;
  if (name === "th") made.scope = "row";
  return made;
}

function say(message) {
  if (note.textContent !== message) note.textContent = message;
  note.hidden = message === "";
}

const { dashboard } = document.body.dataset;
const time = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const date = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short" });

/**
 * Renders an event as a line that expands to its envelope. Live events show their `latency`, stored ones their date.
 */
export function eventRow(event, text) {
  const row = document.createElement("li");
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  const json = JSON.stringify(event.data);
  const at = new Date(event.time);

  summary.append(
    cell("time", time.format(at), "at"),
    cell("b", event.topic, "topic"),
    cell("span", event.type, "type"),
    cell("span", event.latency === undefined ? date.format(at) : text("latency", { ms: event.latency }), "latency"),
    cell("code", json.length > 200 ? `${json.slice(0, 200)}…` : json, "data"),
  );

  details.append(summary);

  // Builds the envelope when the row opens and removes it when the row closes.
  details.addEventListener("toggle", () => {
    while (summary.nextSibling) summary.nextSibling.remove();
    if (!details.open) return;

    const { live, latency, ...envelope } = event;
    const link = trace(event, text);
    if (link) details.append(link);
    details.append(cell("pre", JSON.stringify(envelope, null, 2), "envelope"));
  });

  row.append(details);
  return row;
}

// traceparent: 00-<trace id>-<span id>-<flags> (W3C Trace Context)
function trace({ traceparent }, text) {
  const id = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? "")?.[1];
  if (!dashboard || !id) return null;

  const link = cell("a", text("trace"), "trace");
  link.href = `${dashboard}/traces/detail/${id}`;
  link.target = "_blank";
  link.rel = "noopener";

  return link;
}

function cell(name, content, style) {
  const node = document.createElement(name);
  node.textContent = content; // never as markup: data is untrusted
  node.className = style;
  return node;
}

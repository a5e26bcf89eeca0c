import { count } from "../Shared/numbers.js";
import { reasonOf } from "../Shared/requests.js";
import { openStream } from "../Shared/streams.js";
import { TimeChart } from "../Shared/time-chart.js";

const SECONDS = 90;
const HIGH = 80; // tokens: the buffer's high watermark
const LOW = 30; // and its low one
const SAMPLE_INTERVAL = 250; // milliseconds between samples
const element = (id) => document.getElementById(id);

/**
 * A reader of /sse/backpressure-chat with adjustable speed. Tokens read plus tokens buffered are those that the server
 * has read from the model: a flat sum shows that it has paused the model.
 */
export function backpressure(text) {
  const charts = {
    buffer: new TimeChart(element("chart-buffer"), count, SECONDS, { whole: true }),
    tokens: new TimeChart(element("chart-tokens"), count, SECONDS, { whole: true }),
  };

  const speeds = [...document.querySelectorAll("[data-speed]")];
  const samples = [];
  let client;
  let reader;
  let perSecond = Number(speeds[0].dataset.speed);
  let pacing = Promise.resolve();
  let now;

  start();
  setInterval(() => {
    if (!document.hidden && !now.over) sample();
  }, SAMPLE_INTERVAL);

  for (const button of speeds) {
    button.addEventListener("click", () => {
      perSecond = Number(button.dataset.speed);
      for (const other of speeds) other.setAttribute("aria-pressed", other === button);
      pace();
      now.slowedAt = perSecond < 40 ? now.read : undefined;
      update();
    });
  }

  element("again").addEventListener("click", () => {
    start();
    speeds[0].focus();
  });

  addEventListener("pagehide", () => client.close());
  addEventListener("pageshow", (shown) => shown.persisted && start());

  function start() {
    client?.close();
    now = { read: 0, buffered: 0, paused: false, pauses: 0, slowedAt: perSecond < 40 ? 0 : undefined, over: false };
    samples.length = 0;
    reader = undefined;
    element("again").hidden = true;

    const opened = (client = openStream(`${location.origin}/patterns/reader?perSecond=${perSecond}`, {
      heartbeat: 30_000, // a chunk is due every 100 ms or more often
      maxRetries: 5,
    }));

    opened.on("reader", (message) => {
      ({ id: reader } = message.json());
      Object.assign(now, { read: 0, buffered: 0, paused: false });
      pace(); // the speed may have changed in the meantime
    });

    opened.on("chunk", (message) => {
      const { read, chunk } = message.json();
      if (chunk.paused && !now.paused) now.pauses++;
      Object.assign(now, { read, buffered: chunk.buffer_size, paused: chunk.paused });
    });

    opened.on("end", () => {
      now.over = true;
      client.close();
      element("again").hidden = false;
    });

    opened.on("error", (message) => {
      now.cut = text("reading.cut", { reason: message.json().error });
      client.close();
      element("again").hidden = false;
    });

    opened.onState(({ state, reason, status, detail }) => {
      if (opened !== client) return;

      now.trouble =
        state === "waiting" || (state === "closed" && reason !== "closed")
          ? reasonOf({ status, message: detail }, text)
          : undefined;

      if (state === "closed") element("again").hidden = false;
      update();
    });
  }

  /** Sends one change at a time: two at once could arrive in the wrong order. */
  function pace() {
    pacing = pacing.then(async () => {
      if (!reader) return;

      const asked = fetch(`/patterns/reader/${reader}?perSecond=${perSecond}`, {
        method: "PUT",
        signal: AbortSignal.timeout(5_000),
      });

      await asked.catch(() => {}); // the stream reports an unreachable server
    });
  }

  function sample() {
    const time = Date.now() / 1000;

    if (!now.over && trouble() === undefined)
      samples.push({ time, buffered: now.buffered, read: now.read, upstream: now.read + now.buffered });

    while (samples[0]?.time < time - SECONDS - 2) samples.shift();
    const times = samples.map((one) => one.time);
    const line = (name, of) => ({ name: text(`line.${name}`), values: samples.map(of) });
    charts.buffer.show(times, [
      line("buffer", (one) => one.buffered),
      line("high", () => HIGH),
      line("low", () => LOW),
    ]);

    charts.tokens.show(times, [line("upstream", (one) => one.upstream), line("reader", (one) => one.read)]);
    update();
  }

  function update() {
    const put = (id, value) => element(id).textContent !== value && (element(id).textContent = value);
    element("paused").dataset.paused = now.paused;
    put("paused", flow());
    put("buffered", count(now.buffered));
    put("read", count(now.read));
    put("pauses", count(now.pauses));

    put(
      "reading",
      trouble() ?? text(`reading.${phase()}`, { count: count(Math.max(0, now.read - (now.slowedAt ?? 0))) }),
    );

    const said = phase() === "sockets" ? "reading.sockets.said" : `reading.${phase()}`; // without the count
    put("reading-said", trouble() ?? text(said));
    element("reading").classList.toggle("bad", trouble() !== undefined);
  }

  function flow() {
    if (now.over || now.cut) return text("ended");
    if (now.read === 0) return "–";
    return text(now.paused ? "paused" : "flows");
  }

  function trouble() {
    return now.cut ?? now.trouble;
  }

  function phase() {
    if (now.over) return "over";
    if (now.read === 0) return "starts";
    if (now.paused) return "paused";
    if (now.slowedAt === undefined) return now.buffered > LOW ? "drains" : "keepsUp";
    return now.pauses > 0 || now.buffered > 5 ? "fills" : "sockets";
  }
}

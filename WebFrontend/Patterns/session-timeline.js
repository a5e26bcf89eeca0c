// Draws the last minute of a session: a dot per message, a bar per retry delay, a dashed line per reconnection,
// a cross where the source was given up.

const SECONDS = 60;
const HIGHEST = 8_000; // milliseconds: the retry delay drawn at full height
const TOP = 22; // pixels: where a bar of that height ends
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class SessionTimeline {
  #canvas;
  #text;
  #marks = [];
  #drawn = 0;
  #animating = false;

  constructor(canvas, text) {
    this.#canvas = canvas;
    this.#text = text;
    new ResizeObserver(() => this.#animate()).observe(canvas);
    setInterval(() => this.#describe(), 2_000);
  }

  // Draws every 30 ms, or twice a second with reduced motion, until the last mark has left.
  #animate() {
    if (this.#animating) return;

    this.#animating = true;
    const frame = (now) => {
      if (now - this.#drawn >= (still.matches ? 500 : 30)) {
        this.#drawn = now;
        this.#prune();
        this.#draw();
        if (this.#marks.length === 0) return (this.#animating = false);
      }

      requestAnimationFrame(frame);
    };

    requestAnimationFrame(frame);
  }

  message(id) {
    this.#add({ kind: "message", id });
  }

  retry(milliseconds) {
    this.#add({ kind: "retry", milliseconds });
  }

  resumed() {
    this.#add({ kind: "resumed" });
  }

  fatal() {
    this.#add({ kind: "fatal" });
  }

  #add(mark) {
    this.#marks.push({ ...mark, at: Date.now() });
    this.#animate();
  }

  #prune() {
    while (this.#marks[0]?.at < Date.now() - SECONDS * 1000 - HIGHEST) this.#marks.shift();
  }

  #describe() {
    this.#prune();
    const counts = Object.groupBy(this.#marks, ({ kind }) => kind);
    const of = (kind) => counts[kind]?.length ?? 0;
    this.#canvas.setAttribute(
      "aria-label",
      this.#text("lane", { messages: of("message"), retries: of("retry"), resumed: of("resumed"), fatal: of("fatal") }),
    );
  }

  #draw() {
    const canvas = this.#canvas;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const scale = devicePixelRatio;
    if (width === 0) return;

    if (canvas.width !== Math.round(width * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }

    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const pen = canvas.getContext("2d");

    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "11px system-ui, sans-serif";

    const now = Date.now();
    const x = (at) => width - 14 - ((now - at) / 1000) * ((width - 22) / SECONDS);
    const lane = { width, height, base: height - 44, x, colour };
    this.#drawAxis(pen, lane, now);

    for (const mark of this.#marks) {
      const at = x(mark.at);
      if (mark.kind === "retry") this.#drawRetry(pen, lane, at, mark);
      else DRAWINGS[mark.kind](pen, lane, at);
    }
  }

  #drawAxis(pen, { width, height, base, x, colour }, now) {
    pen.fillStyle = colour("--muted");
    pen.strokeStyle = colour("--line");
    pen.lineWidth = 1;
    pen.textAlign = "center";

    for (const seconds of [0, 15, 30, 45, 60]) {
      const at = Math.round(x(now - seconds * 1000)) + 0.5;
      pen.beginPath();
      pen.moveTo(at, 8);
      pen.lineTo(at, height - 18);
      pen.stroke();

      pen.fillText(
        seconds === 0 ? "0" : `−${this.#text("seconds", { seconds })}`,
        Math.min(Math.max(at, 16), width - 10),
        height - 4,
      );
    }

    pen.beginPath();
    pen.moveTo(0, base + 0.5);
    pen.lineTo(width, base + 0.5);
    pen.stroke();
  }

  // A bar from the break to the next attempt, the higher the longer the wait.
  #drawRetry(pen, { width, base, x, colour }, at, mark) {
    const end = Math.min(x(mark.at + mark.milliseconds), width - 14);
    const high = Math.max(10, (base - TOP) * Math.min(1, mark.milliseconds / HIGHEST));

    pen.fillStyle = colour("--retry-faint");
    pen.fillRect(at, base - high, Math.max(end - at, 1), high);
    pen.fillStyle = colour("--retry");
    pen.fillRect(at, base - high, Math.max(end - at, 2), 2);
    pen.fillRect(at, base - high, 2, high);
    pen.fillText(this.#text("seconds", { seconds: mark.milliseconds / 1000 }), (at + end) / 2, base - high - 6);
  }
}

/** The marks that are the same each time. */
const DRAWINGS = {
  message(pen, { base, colour }, at) {
    pen.fillStyle = colour("--message");
    pen.beginPath();
    pen.arc(at, base + 13, 3.6, 0, 7);
    pen.fill();
  },

  resumed(pen, { base, colour }, at) {
    pen.strokeStyle = colour("--resumed");
    pen.lineWidth = 2;
    pen.setLineDash([4, 3]);
    pen.beginPath();
    pen.moveTo(at, 8);
    pen.lineTo(at, base + 20);
    pen.stroke();
    pen.setLineDash([]);
  },

  fatal(pen, { base, colour }, at) {
    pen.strokeStyle = colour("--fatal");
    pen.lineWidth = 3;
    pen.beginPath();

    for (const side of [-1, 1]) {
      pen.moveTo(at - 6, base + 13 - 6 * side);
      pen.lineTo(at + 6, base + 13 + 6 * side);
    }

    pen.stroke();
  },
};

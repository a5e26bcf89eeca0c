const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "short" });

/**
 * A card with title, time of the last change and a button for each direction. `step(id, -1 | 1)` moves the task;
 * `tick()` shows the time again.
 */
export function taskCard(text, step) {
  const element = document.createElement("li");
  element.className = "card";
  element.draggable = true;

  const title = document.createElement("h3");
  const since = document.createElement("time");
  const moves = document.createElement("div");
  moves.className = "moves";

  let task;
  const buttons = [
    [-1, "M10 3 5 8l5 5"],
    [1, "m6 3 5 5-5 5"],
  ].map(([by, path]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "move";
    button.append(arrow(path));
    button.addEventListener("click", () => step(task.id, by));
    moves.append(button);

    return button;
  });

  element.append(title, since, moves);
  element.addEventListener("keydown", (key) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key.key];

    // Alt+← is the browser's Back, and a held key would move the task through all columns.
    if (!by || key.altKey || key.ctrlKey || key.metaKey || key.shiftKey || key.repeat) return;
    key.preventDefault();
    step(task.id, by);
  });

  element.addEventListener("dragstart", (drag) => {
    drag.dataTransfer.setData("application/x-task", task.id);
    drag.dataTransfer.effectAllowed = "move";
    element.classList.add("dragged");
  });

  element.addEventListener("dragend", () => element.classList.remove("dragged"));

  const tick = () => (since.textContent = ago(Date.parse(since.dateTime)));

  return {
    element,
    tick,
    show(now) {
      task = now;
      title.textContent = now.title; // never as markup: titles are untrusted
      element.dataset.task = now.id;
      since.dateTime = now.updatedAt;
      tick();

      const at = ["todo", "in_progress", "done"].indexOf(now.status);
      buttons.forEach((button, i) => {
        const to = ["todo", "in_progress", "done"][at + (i === 0 ? -1 : 1)];
        button.disabled = !to;

        button.setAttribute(
          "aria-label",
          to ? text("move", { title: now.title, status: text(to) }) : text("moveNot", { title: now.title }),
        );

        button.title = to ? text(to) : "";
      });
    },
  };
}

function arrow(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);

  return svg;
}

function ago(time) {
  const seconds = Math.min(0, (time - Date.now()) / 1000);

  for (const [unit, size] of [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ])
    if (-seconds >= size) return relative.format(Math.ceil(seconds / size), unit);

  return relative.format(Math.ceil(seconds / 5) * 5 || 0, "second");
}

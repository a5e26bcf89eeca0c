import { readState, reasonOf, send } from "../Shared/requests.js";
import { StateStream } from "../Shared/state-stream.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { STATUSES, TaskBoard } from "./task-board.js";
import { TaskMoves } from "./task-moves.js";
import { fieldError, textsOf } from "../Shared/text.js";

const PAGE = 100; // tasks of a column that are read at once
const MAX_PAGE = 1_000;
const BURST = 250; // milliseconds in which moves of tasks that are not loaded are collected for one read
const RETRY_DELAY = 3_000; // milliseconds
const element = (id) => document.getElementById(id);
const text = textsOf(element("tasks"));
const moves = new TaskMoves();
const board = new TaskBoard(element("tasks"), text, move, readMore);
const older = new Map(); // status: the path of the column's next page; undefined after the last one
const behind = new Set(); // columns whose newest tasks are about to be read
const state = new StreamState(text, () => stream.reconnect());
const stream = new StateStream("/events/stream", { read, change, state: (now) => state.show(now), error: showError });

// Reads the newest tasks of each column, one column after the other. The stream starts at the first one's position, so
// changes during the read arrive again.
async function read() {
  const tasks = [];
  const next = new Map();
  let from;
  for (const status of STATUSES) {
    const page = await readState(pathOf(status, Math.min(MAX_PAGE, Math.max(PAGE, board.shown(status)))));
    tasks.push(...page.body);
    next.set(status, page.next);
    from ??= page.position;
  }
  board.show(tasks);
  STATUSES.forEach((status) => setOlder(status, next.get(status)));
  return from;
}

// Reads a column's next page; returns false if that fails.
async function readMore(status) {
  const path = older.get(status);
  try {
    const { body, next } = await readState(path);
    // Not if the column was read again meanwhile: the page may no longer follow what is loaded.
    if (older.get(status) === path) {
      board.add(body);
      setOlder(status, next);
    }
    showError();
    return true;
  } catch (error) {
    showError(error);
    return false;
  }
}

// Reads a column's newest tasks: one of them has come from elsewhere, and was not loaded.
async function readNewest(status, delay = BURST) {
  if (behind.has(status)) return;
  behind.add(status);
  await new Promise((resolve) => setTimeout(resolve, delay));
  behind.delete(status);
  try {
    const { body, next } = await readState(pathOf(status, PAGE));
    // If the last one is new, there may be more between it and those that are loaded.
    if (body.length > 0 && !board.get(body.at(-1).id)) setOlder(status, next);
    board.add(body);
    showError();
  } catch (error) {
    showError(error);
    readNewest(status, RETRY_DELAY);
  }
}

function pathOf(status, limit) {
  return `/tasks?status=${status}&limit=${limit}`;
}

function setOlder(status, path) {
  older.set(status, path);
  board.hasOlder(status, path !== undefined);
}

function change(message) {
  const { event, data, timestamp } = message.json();
  if (event === "task_created")
    board.put({ id: data.task_id, title: data.title, status: data.status, createdAt: timestamp, updatedAt: timestamp });
  if (event !== "task_updated" || !moves.shows(data.task_id, data.status)) return;
  if (board.get(data.task_id)) board.change(data.task_id, data.status, timestamp);
  else readNewest(data.status);
}

// Moves the card at once; the stream moves it in other windows. After a refusal, shows the task's real status.
async function move(task, status) {
  board.change(task.id, status, new Date().toISOString());
  element("said").textContent = text("moved", { title: task.title, status: text(status) });
  try {
    await moves.send(task.id, status);
    showError();
  } catch (error) {
    showError(error, "notMoved");
    const { body } = await readState(`/tasks/${task.id}`).catch(() => ({ body: task }));
    board.change(task.id, body.status, body.updatedAt);
  }
}

element("create").addEventListener("submit", async (submit) => {
  submit.preventDefault();
  const { title } = submit.target.elements;
  if (!fieldError(title, title.value.trim() === "" ? text("noTitle") : null)) return title.focus();
  // Clears the field before the request, so that text typed in the meantime stays.
  const wanted = title.value;
  title.value = "";
  title.focus();
  try {
    board.put(await send("POST", "/tasks", { title: wanted }));
    element("said").textContent = text("created", { title: wanted.trim() });
  } catch (error) {
    title.value ||= wanted;
    fieldError(title, error.errors?.title ?? text("notCreated", { reason: reasonOf(error, text) }));
  }
});
element("title").addEventListener("input", ({ target }) => target.value.trim() !== "" && fieldError(target));

function showError(error, what = "notRead") {
  element("trouble").hidden = !error;
  element("trouble").textContent = error ? text(what, { reason: reasonOf(error, text) }) : "";
}

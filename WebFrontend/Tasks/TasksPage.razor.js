import { pageOf, readPage, reasonOf, send } from "../Shared/requests.js";
import { openState } from "../Shared/streams.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { STATUSES, TaskBoard } from "./task-board.js";
import { TaskMoves } from "./task-moves.js";
import { fieldError, streamApi, textsOf } from "../Shared/text.js";

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
const state = new StreamState(text, () => (stream.state.state === "closed" ? follow() : stream.reconnect()));
let stream;

follow();

function follow() {
  stream = openState("/events/stream", {
    read: (request) => fetch(`${streamApi}${newestOf(STATUSES[0])}`, request),
    show,
  });

  stream.on("message", change);
  stream.onState((now) => state.show(now));
}

// Shows the newest tasks of each column. The stream starts at the position of the first one, so changes during the
// reads of the others arrive again.
async function show(first) {
  const pages = [await pageOf(first)];
  for (const status of STATUSES.slice(1)) pages.push(await readPage(newestOf(status)));
  board.show(pages.flatMap(({ body }) => body));
  STATUSES.forEach((status, i) => setOlder(status, pages[i].next));
}

// Reads a column's next page; returns false if that fails.
async function readMore(status) {
  const path = older.get(status);
  try {
    const { body, next } = await readPage(path);

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
    const { body, next } = await readPage(pathOf(status, PAGE));

    // If the last one is new, there may be more between it and those that are loaded.
    if (body.length > 0 && !board.get(body.at(-1).id)) setOlder(status, next);
    board.add(body);
    showError();
  } catch (error) {
    showError(error);
    readNewest(status, RETRY_DELAY);
  }
}

// As many as are shown.
function newestOf(status) {
  return pathOf(status, Math.min(MAX_PAGE, Math.max(PAGE, board.shown(status))));
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
    const { body } = await readPage(`/tasks/${task.id}`).catch(() => ({ body: task }));
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

import { readState, reasonOf, send } from "../Shared/requests.js";
import { StateStream } from "../Shared/state-stream.js";
import { StreamState } from "../Shared/StreamStateView.razor.js";
import { TaskBoard } from "./task-board.js";
import { TaskMoves } from "./task-moves.js";
import { fieldError, textsOf } from "../Shared/text.js";

const PAGE = 500;
const element = (id) => document.getElementById(id);
const text = textsOf(element("tasks"));
const moves = new TaskMoves();
const board = new TaskBoard(element("tasks"), text, move);
const state = new StreamState(text, () => stream.reconnect());
const stream = new StateStream("/events/stream", { read, change, state: (now) => state.show(now), error: showError });

// Reads all pages. The stream starts at the first page's position, so changes during the read arrive again.
async function read() {
  const tasks = [];
  let from;
  for (let path = `/tasks?limit=${PAGE}`; path; ) {
    const { body, position, next } = await readState(path);
    tasks.push(...body);
    from ??= position;
    path = next;
  }
  board.show(tasks);
  return from;
}

function change(message) {
  const { event, data, timestamp } = message.json();
  if (event === "task_created")
    board.put({ id: data.task_id, title: data.title, status: data.status, createdAt: timestamp, updatedAt: timestamp });
  if (event === "task_updated" && moves.shows(data.task_id, data.status))
    board.change(data.task_id, data.status, timestamp);
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

import { send } from "../Shared/requests.js";

const ECHO_TIMEOUT = 5_000; // milliseconds to wait for the stream to report a move

/**
 * The moves of this window, sent one at a time per task. Their echoes on the stream are ignored, because the card is
 * already in place and would jump back and forth.
 */
export class TaskMoves {
  #last = new Map(); // task id: the last move sent
  #expected = new Map(); // task id: echoes still to come

  /** @throws if StreamApi refuses the move or does not answer. */
  async send(id, status) {
    const echo = { status };
    this.#expected.set(id, [...(this.#expected.get(id) ?? []), echo]);
    const before = this.#last.get(id) ?? Promise.resolve();
    const move = before.catch(() => {}).then(() => send("PUT", `/tasks/status/${id}?new_status=${status}`));
    this.#last.set(id, move);

    try {
      await move;
      setTimeout(() => this.#forget(id, echo), ECHO_TIMEOUT);
    } catch (error) {
      this.#forget(id, echo);
      throw error;
    }
  }

  /** Returns false for an echo of this window's own move. */
  shows(id, status) {
    const [next] = this.#expected.get(id) ?? [];
    if (!next) return true;
    if (next.status === status) this.#forget(id, next);
    return false;
  }

  #forget(id, echo) {
    const left = (this.#expected.get(id) ?? []).filter((one) => one !== echo);
    if (left.length > 0) this.#expected.set(id, left);
    else this.#expected.delete(id);
  }
}

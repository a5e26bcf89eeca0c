import { send } from "../Shared/requests.js";

const TOLD = 5_000; // milliseconds in which the stream tells a change, or is not waited for

/**
 * This window's own moves: one after the other for each task. The card stands already where it goes, so what the stream tells of a move before
 * the last one is passed over; the card would jump back and forth.
 */
export class TaskMoves {
  #last = new Map(); // by task: the move that was sent last
  #expected = new Map(); // by task: what the stream has still to tell of them

  /** @throws where StreamApi refuses it, or does not answer. */
  async send(id, status) {
    const told = { status };
    this.#expected.set(id, [...(this.#expected.get(id) ?? []), told]);
    const before = this.#last.get(id) ?? Promise.resolve();
    const move = before.catch(() => {}).then(() => send("PUT", `/tasks/status/${id}?new_status=${status}`));
    this.#last.set(id, move);
    try {
      await move;
      setTimeout(() => this.#forget(id, told), TOLD);
    } catch (error) {
      this.#forget(id, told);
      throw error;
    }
  }

  /** Whether a change that the stream tells is to be shown. */
  shows(id, status) {
    const [next] = this.#expected.get(id) ?? [];
    if (!next) return true;
    if (next.status === status) this.#forget(id, next);
    return false;
  }

  #forget(id, told) {
    const left = (this.#expected.get(id) ?? []).filter((one) => one !== told);
    if (left.length > 0) this.#expected.set(id, left);
    else this.#expected.delete(id);
  }
}

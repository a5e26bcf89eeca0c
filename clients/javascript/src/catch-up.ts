import type { ServerSentEvent } from "./parser.js";

/**
 * The position of a tab. A run is a sequence of events that tabs share, from one leader to the next; `seen` counts its
 * events that changed the id. The stream is ordered, so counts of one run compare. Those of two runs do not.
 * @internal
 */
export interface Position {
  readonly run: string;
  readonly seen: number;
  readonly id: string;
}

/** A position of the leader, after `event` if there is one. `moved`: the event counts. @internal */
export interface Mark extends Position {
  readonly event?: ServerSentEvent;
  readonly moved?: boolean;
}

/** The leader's count before the event. @internal */
export const countBefore = ({ seen, moved }: Mark): number => (moved ? seen - 1 : seen);

// Newest positions that are remembered on either side.
const LIMIT = 1_000;

/**
 * Finds where a tab's own connection, which reads the events that the tab has missed, meets the leader: at the first id
 * that both have had.
 *
 *     own      3 4 5 6            the tab takes 6, then 7 and 8 from the leader's marks
 *     leader         6 7 8
 *
 * @internal
 */
export class CatchUp {
  #ids: string[]; // where the tab began, and of the events that it has read since
  #marks: Mark[]; // the leader's, without a gap

  constructor(id: string, mark: Mark) {
    this.#ids = [id];
    this.#marks = [mark];
  }

  get marks(): readonly Mark[] {
    return this.#marks;
  }

  /** Adds an event of the own connection. @returns the leader's positions from there on, if it has been there. */
  read(id: string, moved: boolean): readonly Mark[] | undefined {
    if (moved) remember(this.#ids, id);
    else if (id !== this.#ids.at(-1)) this.#ids = [id]; // skipped: counts from before do not hold
    const at = this.#marks.findIndex((mark) => mark.id === id);
    if (at >= 0) return [{ ...this.#marks[at]!, event: undefined }, ...this.#marks.slice(at + 1)];
  }

  /** Adds a position of the leader. @returns the tab's in the same run, if the own connection has been there. */
  addMark(mark: Mark): readonly Mark[] | undefined {
    const { run, seen } = mark;
    const ids = this.#ids;
    const ahead = ids.length - 1 - ids.lastIndexOf(mark.id);
    if (ahead < ids.length) return [{ run, seen: seen + ahead, id: ids.at(-1)! }];

    const last = this.#marks.at(-1)!;
    if (run !== last.run || countBefore(mark) > last.seen) this.#marks = [mark];
    else if (seen > last.seen || (mark.event && !mark.moved && seen === last.seen)) remember(this.#marks, mark);
  }
}

function remember<Item>(items: Item[], item: Item): void {
  if (items.push(item) > LIMIT) items.shift();
}

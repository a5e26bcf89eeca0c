/** Why a connection ended, or why there is none. */
export type Reason =
  /** The server ended the stream: it may be restarting. */
  | "ended"
  /** The connection broke. */
  | "broken"
  /** No answer at all. */
  | "unreachable"
  /** Nothing was heard for longer than `heartbeat`. */
  | "silent"
  /** The server said no; `status` and `detail` tell more. */
  | "refused"
  /** `204`: the server has nothing more to send, ever. */
  | "nothing-more"
  /** `maxRetries` attempts in a row failed. */
  | "gave-up"
  /** `close()` was called, or the signal aborted. */
  | "closed";

/** What the client is doing. `until` is a time as of `Date.now()`; `attempt` counts the failures in a row, from 0. */
export type ClientState =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "open" }
  | {
      readonly state: "waiting";
      readonly attempt: number;
      readonly until: number;
      readonly reason: Reason;
      readonly status?: number;
      readonly detail?: string;
    }
  /** The page is hidden, and `pauseWhenHidden` is on. */
  | { readonly state: "paused" }
  | { readonly state: "closed"; readonly reason: Reason; readonly status?: number; readonly detail?: string };

/** An id could not be honoured: what lies between is lost to this stream, so read your state again. */
export interface Resync {
  readonly reason: "expired" | "epoch" | "future" | "malformed";
  readonly requested: string;
  readonly resumedFrom: string;
}

/** With `slow=latest`: events that were left out because the reader was too slow. */
export interface Skipped {
  readonly from: string;
  readonly to: string;
  readonly count: number;
}

/** The first frame of a subscription. */
export interface Connected {
  readonly connectionId: string;
  readonly replica: string;
  readonly epoch: string;
  readonly head: string;
}

/** The stream's own frames, beside the events that somebody published. */
export interface ControlEvents {
  connected: Connected;
  resync: Resync;
  skipped: Skipped;
}

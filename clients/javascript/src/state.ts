/** The reason that a connection ended or could not be made. */
export type Reason =
  /** The server ended the stream, for example for a restart. */
  | "ended"
  /** The connection broke. */
  | "broken"
  /** The server did not answer, or a function of the options failed. */
  | "unreachable"
  /** No byte arrived within `heartbeat`. */
  | "silent"
  /** The server refused the request; see `status` and `detail`. */
  | "refused"
  /** `followState`: the server could not resume the stream, so the state is read again. */
  | "resync"
  /** `followState`: `show` threw, which is reported. */
  | "not-shown"
  /** `204`: the stream is complete. */
  | "nothing-more"
  /** An event is longer than `maxEventLength`. */
  | "too-large"
  /** `maxRetries` attempts in a row failed; see `cause`. */
  | "gave-up"
  /** `close()` was called, or the signal aborted. */
  | "closed";

/** The state of the client. `until` is in milliseconds like `Date.now()`; `attempt` counts failures in a row from 0. */
export type ClientState =
  | { readonly state: "connecting"; readonly attempt: number }
  /** `quietSince`: with `quietAfter`, the time of the last byte, once that is so long ago. */
  | { readonly state: "open"; readonly quietSince?: number }
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
  | {
      readonly state: "closed";
      readonly reason: Reason;
      readonly status?: number;
      readonly detail?: string;
      /** After `gave-up`: the reason of the last attempt. */
      readonly cause?: Reason;
    };

/** The server could not resume from the id: events may be missing, so read your state again. */
export interface Resync {
  /** `missed` is not the server's: a tab of a shared stream could not read what it had missed. */
  readonly reason: "expired" | "epoch" | "future" | "malformed" | "missed";
  readonly requested: string;
  readonly resumedFrom: string;
}

/** With `slow=latest`: events skipped because the reader was too slow. */
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

/** The credentials end this connection, or soon will. */
export interface Unauthorized {
  readonly reason: "expiring" | "expired" | "replaced";
  readonly expiresAt?: string | null;
}

/** Control events of the stream itself, in addition to published events. */
export interface ControlEvents {
  connected: Connected;
  resync: Resync;
  skipped: Skipped;
  unauthorized: Unauthorized;
}

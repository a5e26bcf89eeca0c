// Parses an event stream: HTML Living Standard §9.2.6
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
//
//   id: 7-42⏎  event: hello⏎  data: {"n":1}⏎  ⏎      →  { type: "hello", data: '{"n":1}', id: "7-42" }

/** One event. `id` is the last event id at dispatch: its own, or an earlier event's. */
export interface ServerSentEvent {
  readonly type: string;
  readonly data: string;
  readonly id: string;
}

/** Thrown for an event that is longer than `maxEventLength`. @internal */
export class EventTooLarge extends Error {}

/** Parses bytes in chunks that may be split anywhere. */
export class EventStreamParser {
  #decoder = new TextDecoder(); // UTF-8; removes a leading byte order mark
  #rest = "";
  #afterCarriageReturn = false;
  #data = "";
  #type = "";
  #idOfBlock: string;
  #max: number;

  /** Id of the last complete block that set one. An incomplete block does not change it. */
  lastEventId: string;

  /** The reconnection time in milliseconds, if the server sent `retry:`. */
  retry: number | undefined;

  /** @param maxEventLength characters of an event's data, and of a line. */
  constructor(lastEventId = "", retry?: number, maxEventLength = 16 * 1024 * 1024) {
    this.lastEventId = this.#idOfBlock = lastEventId;
    this.retry = retry;
    this.#max = maxEventLength;
  }

  /** True after a part of an event, or of a line. */
  get isWithinEvent(): boolean {
    return this.#rest + this.#data + this.#type !== "" || this.#idOfBlock !== this.lastEventId;
  }

  /**
   * Calls `dispatch` for each event that the bytes complete, until it returns `false`: the later ones are dropped, and
   * the last event id is that of the event. @throws if an event is too long.
   */
  push(bytes: Uint8Array, dispatch: (event: ServerSentEvent) => unknown): void {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return; // part of a character

    if (this.#afterCarriageReturn && text[0] === "\n") text = text.slice(1); // second half of a split CRLF
    this.#afterCarriageReturn = text === "" ? false : text.endsWith("\r");
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop()!;
    for (const line of lines) if (this.#line(line, dispatch) === false) return;
    this.#check(this.#rest);
  }

  #check({ length }: string): void {
    if (length <= this.#max) return;
    throw new EventTooLarge(`An event is longer than ${this.#max} characters (maxEventLength).`);
  }

  #line(line: string, dispatch: (event: ServerSentEvent) => unknown): unknown {
    if (line === "") return this.#endOfBlock(dispatch);

    const colon = line.indexOf(":");
    if (colon === 0) return undefined; // a comment

    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);

    if (field === "data") this.#check((this.#data += value + "\n"));
    else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.#idOfBlock = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value);
    return undefined;
  }

  #endOfBlock(dispatch: (event: ServerSentEvent) => unknown): unknown {
    this.lastEventId = this.#idOfBlock;
    const data = this.#data;
    const type = this.#type;
    this.#data = this.#type = "";
    if (data === "") return undefined;
    return dispatch({ type: type || "message", data: data.slice(0, -1), id: this.lastEventId });
  }
}

import type { ServerSentEvent } from "./parser.js";

/** An event. `json()` parses its data on first use. */
export class Message<Data = unknown> implements ServerSentEvent {
  readonly type: string;
  readonly data: string;
  readonly id: string;
  #json: { value: Data } | undefined;

  constructor(event: ServerSentEvent) {
    this.type = event.type;
    this.data = event.data;
    this.id = event.id;
  }

  /** @throws SyntaxError if the data is not JSON. */
  json(): Data {
    return (this.#json ??= { value: JSON.parse(this.data) as Data }).value;
  }
}

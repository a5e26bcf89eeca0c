// An event stream's text into events: HTML Living Standard §9.2.6
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
//
//   id: 7-42⏎  event: hello⏎  data: {"n":1}⏎  ⏎      →  { type: "hello", data: '{"n":1}', id: "7-42" }

export class EventStreamParser {
  #decoder = new TextDecoder(); // takes a leading byte order mark away
  #rest = "";
  #afterCarriageReturn = false;
  #data = "";
  #type = "";
  #idOfBlock;

  /** The last event id: of the last block that ended, kept until another sets it. An event that broke off does not count. */
  lastEventId = "";

  /** Milliseconds, once the server said so. */
  retry;

  constructor(lastEventId = "") {
    this.lastEventId = this.#idOfBlock = lastEventId;
  }

  /** Feeds bytes, wherever they were cut; calls `dispatch({ type, data, id })` for each event that they complete. */
  push(bytes, dispatch) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return; // part of one character
    if (this.#afterCarriageReturn && text[0] === "\n") text = text.slice(1); // the second half of a CRLF that was cut
    this.#afterCarriageReturn = text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line, dispatch);
  }

  #line(line, dispatch) {
    if (line === "") return this.#endOfBlock(dispatch);
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    switch (field) {
      case "data": this.#data += `${value}\n`; break;
      case "event": this.#type = value; break;
      case "id": if (!value.includes("\0")) this.#idOfBlock = value; break;
      case "retry": if (/^[0-9]+$/.test(value)) this.retry = Number(value); break;
    }
  }

  #endOfBlock(dispatch) {
    this.lastEventId = this.#idOfBlock;
    const [data, type] = [this.#data, this.#type];
    this.#data = this.#type = "";
    if (data !== "") dispatch({ type: type || "message", data: data.slice(0, -1), id: this.lastEventId });
  }
}

import { Message } from "./message.js";
import type { ServerSentEvent } from "./parser.js";
import type { ClientState, ControlEvents } from "./state.js";

/** The event names that are known, with the type of their data; every other name is `unknown`. */
export type EventTypes = object;
export type DataOf<Events extends EventTypes, Type extends string> = Type extends keyof Events
  ? Events[Type]
  : Type extends keyof ControlEvents
    ? ControlEvents[Type]
    : unknown;

type Handler = (message: Message) => void;

/** Handlers by event name, and who is told of the state. A handler that throws is reported and stops no other. */
export class Emitter<Events extends EventTypes = {}> {
  #handlers = new Map<string, Set<Handler>>();
  #watchers = new Set<(state: ClientState) => void>();
  #state: ClientState = { state: "connecting", attempt: 0 };

  get state(): ClientState {
    return this.#state;
  }

  /**
   * Calls `handler` for every event of this name; `"*"` for every event. Events without a name are `"message"`. The stream's own
   * `connected`, `resync` and `skipped` come like events.
   * @returns takes the handler away again.
   */
  on<Type extends (keyof Events | keyof ControlEvents | "message" | "*") & string>(
    type: Type,
    handler: (message: Message<DataOf<Events, Type>>) => void,
  ): () => void;
  on(type: string, handler: (message: Message) => void): () => void;
  on(type: string, handler: (message: Message<never>) => void): () => void {
    const handlers = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, handlers.add(handler as Handler));
    return () => handlers.delete(handler as Handler);
  }

  /** Tells the state now and whenever it changes. @returns ends that. */
  onState(watcher: (state: ClientState) => void): () => void {
    this.#watchers.add(watcher);
    call(watcher, this.#state);
    return () => this.#watchers.delete(watcher);
  }

  /** @internal */
  protected emit(event: ServerSentEvent): void {
    const message = new Message(event);
    for (const type of [event.type, "*"])
      for (const handler of [...(this.#handlers.get(type) ?? [])]) call(handler, message);
  }

  /** @internal */
  protected enter(state: ClientState): void {
    this.#state = state;
    for (const watcher of [...this.#watchers]) call(watcher, state);
  }
}

// As EventTarget does it: what one handler throws is the page's error, and no reason to drop a connection.
function call<Value>(handler: (value: Value) => void, value: Value): void {
  try {
    handler(value);
  } catch (error) {
    if (typeof reportError === "function") reportError(error);
    else
      queueMicrotask(() => {
        throw error;
      });
  }
}

import { Message } from "./message.js";
import type { ServerSentEvent } from "./parser.js";
import type { ClientState, ControlEvents } from "./state.js";

/** Maps event names to the type of their data; data of other events is `unknown`. */
export type EventTypes = object;
export type DataOf<Events extends EventTypes, Type extends string> = Type extends keyof Events
  ? Events[Type]
  : Type extends keyof ControlEvents
    ? ControlEvents[Type]
    : unknown;

type Handler = (message: Message) => void;

/**
 * Event handlers by name, and state watchers. An exception in one, or a rejected promise, is reported and does not
 * affect the others. Promises are not awaited: the next event does not wait for an asynchronous handler.
 */
export class Emitter<Events extends EventTypes = {}> {
  #handlers = new Map<string, Set<Handler>>();
  #watchers = new Set<(state: ClientState) => void>();
  #state: ClientState = { state: "connecting", attempt: 0 };

  get state(): ClientState {
    return this.#state;
  }

  /**
   * Calls `handler` for every event of this name, or for all events with `"*"`. Unnamed events are `"message"`. The
   * control events `connected`, `resync`, `skipped` and `unauthorized` are included. @returns a function that removes
   * the handler.
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

  /** Calls `watcher` with the state now and after each change. @returns a function that removes the watcher. */
  onState(watcher: (state: ClientState) => void): () => void {
    this.#watchers.add(watcher);
    call(watcher, this.#state);
    return () => this.#watchers.delete(watcher);
  }

  /** @internal */
  protected emit(event: ServerSentEvent): void {
    const message = new Message(event);
    for (const type of new Set([event.type, "*"]))
      for (const handler of [...(this.#handlers.get(type) ?? [])]) call(handler, message);
  }

  /** @internal */
  protected enter(state: ClientState): void {
    this.#state = state;
    for (const watcher of [...this.#watchers]) call(watcher, state);
  }
}

/** Calls a handler and reports its exception. @internal */
export function call<Value>(handler: (value: Value) => unknown, value: Value): void {
  try {
    const result = handler(value);
    if (result instanceof Promise) result.catch(report);
  } catch (error) {
    report(error);
  }
}

/** Reports an exception of the page, as EventTarget does, instead of dropping the connection. @internal */
export function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else
    queueMicrotask(() => {
      throw error;
    });
}

import { SseClient, type SseClientOptions } from "./client.js";
import { report, type EventTypes } from "./emitter.js";
import { resolve, Unusable } from "./request.js";

export interface FollowStateOptions extends Omit<SseClientOptions, "lastEventId" | "resendWithoutId"> {
  /**
   * Requests the state: `(request) => fetch("/v1/pets", request)`. `request` has the stream's headers, credentials and
   * signal. The response names the position of the state in the log: `X-Sse-Position`.
   */
  read: (request: RequestInit & { headers: Headers }) => Response | Promise<Response>;
  /**
   * Shows the state, in place of all that was shown before. The stream starts when it is done. An exception in it is
   * reported and closes the client (`not-shown`): the same state would bring the same.
   */
  show: (state: Response) => void | Promise<void>;
  /**
   * Milliseconds without a connection after which the state is read again, because that costs less than a replay of
   * its changes. Default 60,000.
   */
  replayFor?: number;
}

const NO_POSITION = new Unusable("The state's response has no X-Sse-Position, or this page may not read it (CORS).");

/**
 * Reads a state and follows its changes: the handlers get each event after the state's position once. After a `resync`
 * and after a long absence it reads the state again. A read that fails is repeated as a lost connection is, with the
 * same waits and states; a refusal closes the client.
 *
 * Each stream starts at the position of its own state, so tabs do not share it. An event from an outbox may come after
 * the state that already contains it: a change that is applied again must have no effect.
 *
 *     const pets = followState("/v1/inventory/stream", {
 *       read: (request) => fetch("/v1/pets", request),
 *       show: async (state) => show(await state.json()),
 *     });
 *     pets.on("stock-change", (message) => change(message.json()));
 */
export function followState<Events extends EventTypes = {}>(
  url: string | URL,
  options: FollowStateOptions,
): SseClient<Events> {
  return new StateFollower<Events>(url, options);
}

class StateFollower<Events extends EventTypes> extends SseClient<Events> {
  #options: FollowStateOptions;
  #isStale = true;
  #since = Infinity; // time of the state, or of the end of its stream

  constructor(url: string | URL, options: FollowStateOptions) {
    super(url, { ...options, resendWithoutId: true });
    this.#options = options;
    let wasOpen = false;
    this.onState(({ state }) => {
      if (wasOpen) this.#since = Date.now();
      wasOpen = state === "open";
    });

    this.on("resync", () => {
      this.#isStale = true;
      this.drop("resync");
    });
  }

  /** Reads the state where needed, before each request of the stream. */
  protected override async prepare(headers: Headers, signal: AbortSignal): Promise<Response | undefined> {
    const { read, show, credentials, replayFor = 60_000 } = this.#options;
    this.#isStale ||= Date.now() - this.#since >= replayFor;
    if (!this.#isStale) return undefined;

    const response = await resolve(() => read({ headers, credentials, signal, cache: "no-store" }), signal);
    if (!response.ok) return response;

    const position = response.headers.get("X-Sse-Position");
    if (!position) throw NO_POSITION;

    // Read first: what ends the body early is a lost connection, and what `show` throws is none.
    const state = response.body ? new Response(await response.arrayBuffer(), response) : response;
    try {
      await show(state);
    } catch (error) {
      report(error);
      throw new Unusable(String((error as Error)?.message ?? error), "not-shown");
    }

    this.startAfter(position);
    this.#isStale = false;
    this.#since = Date.now();

    return undefined;
  }
}

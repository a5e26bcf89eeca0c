export { backoff, type BackoffOptions } from "./backoff.js";
export { SseClient, type SseClientOptions } from "./client.js";
export type { DataOf, EventTypes } from "./emitter.js";
export { followState, type FollowStateOptions } from "./follow-state.js";
export { Message } from "./message.js";
export { EventStreamParser, type ServerSentEvent } from "./parser.js";
export type { PerConnection } from "./request.js";
export { problemOf, type Problem } from "./problem.js";
export type { ClientState, Connected, ControlEvents, Reason, Resync, Skipped, Unauthorized } from "./state.js";

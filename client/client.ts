/** The front door of `millrace/client`: what an application takes from here to follow a Millrace's changes. */
export { createEventStreamClient, type EventStreamOptions } from './event-stream.ts';
export { RefusedError, StreamError } from './failures.ts';
export { type CursorStore, type FollowOptions, followChanges, type ResyncReason } from './follow-changes.ts';
export type { RetryOptions } from './keep-open.ts';
export { renewToken } from './renew-token.ts';
export { type ResumingOptions, resuming } from './resuming.ts';
export type { StreamClient } from './stream-client.ts';

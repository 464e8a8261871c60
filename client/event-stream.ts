import type { Sink, SubscribePayload } from 'graphql-ws';
import { createEventParser } from './event-parser.ts';
import { StreamError } from './failures.ts';
import { keepOpen, type RetryOptions } from './keep-open.ts';
import { readOperation } from './operation.ts';
import type { Result, StreamClient } from './stream-client.ts';

type Headers = Readonly<Record<string, string>>;

/** Where events come from, and how. */
export interface EventStreamOptions extends RetryOptions {
  url: string;
  /** Sent along, `Authorization` above all; a function is asked for every connection. */
  headers?: Headers | (() => Headers | Promise<Headers>);
  /** Characters that one event may have, four million unless given. */
  maxEventLength?: number;
  /** Milliseconds without a sign of life after which a connection counts as cut, 45,000 unless given; the server sends one every 15 s. */
  silence?: number;
}

/**
 * A client of server-sent events (GraphQL over SSE, distinct connections mode) on `fetch`, with graphql-ws's `subscribe`. A
 * stream that is cut goes on behind its last event's id. A result without `data` is an error, as it is on a WebSocket.
 */
export function createEventStreamClient(options: EventStreamOptions): StreamClient {
  const subscribe = (payload: SubscribePayload, sink: Sink<Result>): (() => void) => {
    const { type, isLive } = readOperation(payload);
    let lastEventId: string | undefined;
    const heard = (id: string) => {
      lastEventId = id;
    };
    return keepOpen<Result>(
      sink,
      (next) => connect(options, payload, { lastEventId, heard }, next),
      (how) => isLive || (type === 'subscription' && (how === 'cut' || lastEventId !== undefined)),
      options,
    );
  };
  return { subscribe: subscribe as StreamClient['subscribe'] };
}

interface Place {
  lastEventId: string | undefined;
  heard: (id: string) => void;
}

function connect(options: EventStreamOptions, payload: SubscribePayload, place: Place, sink: Sink<Result>): () => void {
  const { silence = 45_000 } = options;
  const controller = new AbortController();
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const live = () => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(new StreamError(`silent for ${silence} ms`, false)), silence);
  };
  const run = async () => {
    live();
    try {
      const response = await send(options, payload, place.lastEventId, controller.signal);
      if (isEvents(response)) await readEvents(response, options, place, live, sink);
      else await readAnswer(response, sink);
    } catch (error) {
      if (!isStopped) sink.error(controller.signal.aborted ? controller.signal.reason : error);
    } finally {
      clearTimeout(timer);
    }
  };
  void run();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    controller.abort();
  };
}

async function send(
  { url, headers = {} }: EventStreamOptions,
  { query, variables, operationName, extensions }: SubscribePayload,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  const own = typeof headers === 'function' ? await headers() : headers;
  return fetch(url, {
    method: 'POST',
    headers: {
      ...own,
      'Content-Type': 'application/json',
      Accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
    },
    body: JSON.stringify({ query, variables, operationName, extensions }),
    cache: 'no-store',
    signal,
  });
}

const isEvents = (response: Response): boolean =>
  response.ok && (response.headers.get('Content-Type')?.startsWith('text/event-stream') ?? false);

async function readEvents(
  { body }: Response,
  { maxEventLength = 4_000_000 }: EventStreamOptions,
  { heard }: Place,
  live: () => void,
  sink: Sink<Result>,
): Promise<void> {
  const parse = createEventParser(maxEventLength);
  const decoder = new TextDecoder();
  const reader = body!.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      live();
      for (const { id, event, data } of parse(decoder.decode(part.value, { stream: true }))) {
        if (event === 'complete') return sink.complete();
        if (event !== 'next') continue;
        if (id !== undefined) heard(id);
        const result = JSON.parse(data) as Result;
        if (!('data' in result) && result.errors) return sink.error(result.errors);
        sink.next(result);
      }
    }
  } finally {
    void reader.cancel().catch(() => {}); // what failed has failed already
  }
  throw new StreamError('the connection was cut', false);
}

/** Reads an answer that is no stream: the result of a query, or a refusal. */
async function readAnswer(response: Response, sink: Sink<Result>): Promise<void> {
  const { status } = response;
  const isPassing = status >= 500 || status === 408 || status === 429;
  const result = (await response.json().catch(() => ({}))) as Partial<Result>;
  if (result.data) {
    sink.next(result as Result);
    sink.complete();
  } else if (result.errors?.length) sink.error(result.errors);
  else throw new StreamError(`the server answers with HTTP ${status}`, !isPassing);
}

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { array, assert, constantFrom, property, string } from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEventParser, type ServerEvent } from '../../client/event-parser.ts';
import { createEventStreamClient, type EventStreamOptions } from '../../client/event-stream.ts';

describe('the parser of events', () => {
  it('reads what a browser reads, however the text is cut', () => {
    const text =
      ':\n\nid: 1\nevent: next\ndata: {\ndata:  "a": 1}\n\ndata\n\nevent: complete\ndata:\n\nid: 9\ndata: lost';
    const events: ServerEvent[] = [
      { id: '1', event: 'next', data: '{\n "a": 1}' },
      { id: undefined, event: 'message', data: '' },
      { id: undefined, event: 'complete', data: '' },
    ];
    assert(
      property(
        array(constantFrom(1, 2, 3, 7), { minLength: 1 }),
        constantFrom('\n', '\r\n', '\r'),
        (sizes, newline) => {
          const whole = text.replaceAll('\n', newline);
          const parse = createEventParser(1000);
          const found: ServerEvent[] = [];
          for (let at = 0, n = 0; at < whole.length; n += 1) {
            const size = sizes[n % sizes.length]!;
            found.push(...parse(whole.slice(at, at + size)));
            at += size;
          }
          expect(found).toEqual(events);
        },
      ),
    );
  });

  it('holds no more than it may', () => {
    assert(
      property(string({ minLength: 200 }), (text) => {
        const parse = createEventParser(100);
        expect(() => parse(`data: ${text.replaceAll(/[\r\n]/g, ' ')}`)).toThrow('an event of more than 100 characters');
      }),
    );
    const parse = createEventParser(100);
    expect(() => {
      for (let n = 0; n < 20; n += 1) parse('data: 0123456789\n');
    }).toThrow('an event of more than 100 characters');
  });
});

describe('a client of events', () => {
  const open: { close(): void; closeAllConnections(): void }[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** A server that answers each request with the next of these. */
  async function listen(answers: RequestListener[], options: Partial<EventStreamOptions> = {}) {
    const requests: { id: unknown; query: unknown }[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      requests.push({ id: request.headers['last-event-id'], query: JSON.parse(body).query });
      answers[Math.min(requests.length, answers.length) - 1]!(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(server);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const client = createEventStreamClient({ url, firstWait: 10, longestWait: 20, ...options });
    const told: unknown[] = [];
    const start = (query: string) =>
      client.subscribe(
        { query },
        {
          next: (result) => void told.push(result.data),
          error: (error) => void told.push(error),
          complete: () => void told.push('complete'),
        },
      );
    return { requests, told, start };
  }
  const events =
    (text: string, isEnd = true): RequestListener =>
    (_, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(text);
      if (isEnd) setTimeout(() => response.destroy(), 20);
    };
  const json =
    (status: number, body: object): RequestListener =>
    (_, response) =>
      void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  const next = (id: number) => `id: ${id}\nevent: next\ndata: {"data":${id}}\n\n`;

  it('goes on behind its last event, through cuts, ends and gateways that are away', async () => {
    const { requests, told, start } = await listen([
      events(next(1) + next(2)),
      (_, response) => void response.writeHead(502).end('<html>'),
      events(`${next(3)}event: complete\ndata:\n\n`),
      json(503, { errors: [{ message: 'away', extensions: { code: 'UNAVAILABLE' } }] }),
      events(next(4), false),
    ]);
    const stop = start('subscription { a }');
    await vi.waitFor(() => expect(told).toEqual([1, 2, 3, 4]), 5000);
    expect(requests.map(({ id }) => id)).toEqual([undefined, '2', '2', '3', '3']);
    stop();
    expect(told.at(-1)).toBe('complete');
  });

  it('counts a connection that is silent as cut', async () => {
    const { requests, told, start } = await listen([events(next(1), false), events(next(2), false)], { silence: 200 });
    const stop = start('subscription { a }');
    await vi.waitFor(() => expect(told).toEqual([1, 2]), 5000);
    expect(requests).toHaveLength(2);
    stop();
  });

  it.each([
    ['a refusal', json(403, { errors: [{ message: 'no', extensions: { code: 'FORBIDDEN' } }] })],
    [
      'an error in the stream',
      events('event: next\ndata: {"errors":[{"message":"no"}]}\n\nevent: complete\ndata:\n\n'),
    ],
    ['an address where there is nothing', (_: unknown, response) => void response.writeHead(404).end()],
    ['an event that is too large', events(`data: ${'x'.repeat(5000)}\n\n`)],
  ] satisfies [string, RequestListener][])('does not repeat %s', async (_title, answer) => {
    const { requests, told, start } = await listen([answer], { maxEventLength: 1000 });
    start('subscription { a }');
    await vi.waitFor(() => expect(told).toHaveLength(1), 5000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(told[0]).not.toBe('complete');
    expect(requests).toHaveLength(1);
  });

  it('asks queries once, and live ones again', async () => {
    const { requests, told, start } = await listen([json(200, { data: 1 })]);
    start('query { a }');
    await vi.waitFor(() => expect(told).toEqual([1, 'complete']), 5000);
    const stop = start('query Q($a: In = { b: "@live {" }) @live { a }');
    await vi.waitFor(() => expect(requests.length).toBeGreaterThan(3), 5000);
    stop();
  });
});

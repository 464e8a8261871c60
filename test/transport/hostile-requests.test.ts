import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statusOf } from '../../src/errors.ts';
import { openTokens } from '../../src/platform/tokens.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { type Program, startMain, urlIn } from '../support/program.ts';
import { insertTeam } from '../support/team.ts';
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts';
import { type HostileRequest, hostileRequests } from './hostile-requests.ts';

let database: TestDatabase;
let directory: TemporaryDirectory;
let program: Program;
let token: string;
let port: number;
beforeAll(async () => {
  database = await testDatabase();
  await insertTeam(database.url);
  directory = temporaryDirectory();
  const source = { kind: 'local' as const, directory: path.join(directory.path, 'keys') };
  token = await (await openTokens({ source, adminRole: 'admin' })).mint!({ role: 'admin' });
  program = startMain(process.cwd(), {
    NODE_ENV: 'production',
    // What a stranger may ask most of.
    GRAPHQL_INTROSPECTION: 'true',
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    MILLRACE_DIR: directory.path,
    LOG_LEVEL: 'warn',
  });
  port = Number(new URL(await urlIn(program)).port);
}, 60_000);
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
  await database[Symbol.asyncDispose]();
});

/** Milliseconds of CPU that all threads of the server have used (proc_pid_schedstat, in nanoseconds). */
function cpuUsed(): number {
  const tasks = `/proc/${program.child.pid}/task`;
  let used = 0;
  for (const task of readdirSync(tasks))
    used += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
  return used / 1e6;
}

/** All that comes back, until the server ends the connection or nothing comes any more. */
function send({ bytes, isCut }: HostileRequest): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    const done = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('utf8'));
    };
    socket.setTimeout(isCut ? 300 : 10_000, done);
    socket
      .on('data', (chunk) => chunks.push(chunk))
      .on('error', done)
      .on('close', done);
    socket.write(bytes);
  });
}

const honest: HostileRequest = {
  title: 'an honest one',
  bytes: Buffer.from(
    'POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{"query":"{ __typename }"}',
  ),
};

/** What is wrong with an answer; undefined where it is one that may be given. */
function faultOf({ isCut }: HostileRequest, text: string): string | undefined {
  if (text === '') return isCut ? undefined : 'no answer';
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
  if (!(status >= 100 && status < 500)) return `the status ${status}: ${text.slice(-300)}`;
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end).toLowerCase();
  const body = head.includes('transfer-encoding: chunked') ? unchunked(text.slice(end + 4)) : text.slice(end + 4);
  if (body === '' || !head.includes('json')) return undefined;
  const answers = [JSON.parse(body)].flat() as { errors?: { message: string; extensions?: { code?: string } }[] }[];
  const errors = answers.flatMap((answer) => answer.errors ?? []);
  const untyped = errors.find(({ extensions }) => !(extensions?.code && extensions.code in statusOf));
  if (untyped) return `an error without a code of ours: ${JSON.stringify(untyped)}`;
  const bare = errors.find(
    (e) =>
      e.extensions?.code === 'INTERNAL' ||
      /relation "|syntax error at or near|pg_|\bat \/|node_modules/.test(e.message),
  );
  return bare && `an error that tells of a fault: ${JSON.stringify(bare)}`;
}

function unchunked(text: string): string {
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (!size) break;
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
  return Buffer.concat(parts).toString();
}

const allowed = 50;

/** The CPU that one request takes the server, and what is wrong with the answer. */
async function cost(request: HostileRequest): Promise<{ used: number; fault: string | undefined }> {
  const before = cpuUsed();
  const text = await send(request);
  return { used: cpuUsed() - before, fault: faultOf(request, text) };
}

describe('hostile requests', () => {
  it('are more than a thousand, no two the same', () => {
    const all = hostileRequests('x', 'x');
    expect(new Set(all.map(({ bytes }) => bytes.toString('base64'))).size).toBeGreaterThan(1000);
  });

  it('are each answered, by no 5xx, in less than 50 ms of CPU, and end nothing', async () => {
    // @NOTE once before: code that runs for the first time is compiled, which a server does once in its life.
    const first = hostileRequests(token, 'first');
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let request = first.pop(); request; request = first.pop()) await send(request);
      }),
    );
    const faults: string[] = [];
    const slow: string[] = [];
    for (const [i, request] of hostileRequests(token, 'second').entries()) {
      const { used, fault } = await cost(request);
      if (fault) faults.push(`${request.title}: ${fault}`);
      // @NOTE again with other words, for no cache to know it: now and then garbage is collected meanwhile.
      let least = used;
      for (let n = 0; least >= allowed && n < 4; n += 1)
        least = Math.min(least, (await cost(hostileRequests(token, `again ${n}`)[i]!)).used);
      if (least >= allowed) slow.push(`${request.title}: ${least.toFixed(0)} ms`);
      if (i % 50 === 0) expect(await send(honest)).toContain('{"data":{"__typename":"Query"}');
    }
    expect(faults).toEqual([]);
    expect(slow).toEqual([]);
    expect(await send(honest)).toContain('{"data":{"__typename":"Query"}');
    expect(program.child.exitCode).toBeNull();
    expect(program.output()).not.toMatch(/a request failed|unhandled/i);
  }, 300_000);
});

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Database, openDatabase } from '../../../src/platform/db.ts';
import { openLog } from '../../../src/platform/log.ts';
import { openMailing } from '../../../src/platform/mail/open-mail.ts';
import type { MailQueue, QueueLimits } from '../../../src/platform/mail/queue.ts';
import { ask, type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { startSmtp, type TestSmtp } from '../../support/smtp.ts';

let database: TestDatabase;
let db: Database;
let smtp: TestSmtp;
/** What the SMTP server does before it answers a mail. */
let hold: () => Promise<void>;
let refuse: number | undefined;
beforeAll(async () => {
  database = await testDatabase({ migrations: false });
  db = openDatabase({ url: database.url, size: 8, statementTimeout: 10_000 }, { onError: () => {} });
  smtp = await startSmtp(
    {
      onRcptTo: ({ address }, _session, done) =>
        refuse ? done(Object.assign(new Error(`no ${address}`), { responseCode: refuse })) : done(),
    },
    () => hold(),
  );
});
afterAll(async () => {
  await smtp[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  hold = async () => {};
  refuse = undefined;
  smtp.received.length = 0;
  await ask(database.url, 'drop table if exists millrace.mail_jobs').catch(() => {});
});

const lines: { level: string; about: object; text: string }[] = [];
beforeEach(() => void lines.splice(0));
const told = (level: string) => (about: object, text: string) => void lines.push({ level, about, text });
const log = Object.assign(openLog('silent'), { warn: told('warn'), error: told('error'), info: told('info') });

/** A node: its queue makes greetings. */
async function openNode(limits: Partial<QueueLimits> = {}, port = smtp.port) {
  const server = { host: '127.0.0.1', port, encryption: 'never' as const };
  const config = { kind: 'smtp' as const, server, from: { name: '', address: 'hello@example.test' } };
  const mailing = await openMailing(config, db, log, { poll: 50, backoff: [0, 0], farewell: 50, ...limits });
  const queue = mailing.queue!;
  queue.handle<{ to: string }>('greeting', async ({ to }) => ({
    to,
    subject: 'Hi',
    text: `secret for ${to}`,
    html: '',
  }));
  return { ...queue, [Symbol.asyncDispose]: () => mailing[Symbol.asyncDispose]() };
}
const send = async (queue: MailQueue, ...to: string[]) => {
  await db.transaction(async (tx) => {
    for (const one of to) await queue.enqueue(tx, 'greeting', { to: one });
  });
  queue.wake();
};
const address = (i: number) => `user${i}@example.test`;
const jobs = async () =>
  (await db.query({ text: 'select attempts, payload::text from millrace.mail_jobs', values: [] })) as [
    number,
    string,
  ][];
const isEmpty = () => vi.waitFor(async () => expect(await jobs()).toEqual([]), 5000);
const recipients = () => smtp.received.flatMap((r) => r.recipients).sort();

describe('mails to be sent', () => {
  it('are sent once the transaction that asks for them is committed, and not when it is undone', async () => {
    await using queue = await openNode();
    await db
      .transaction(async (tx) => {
        await queue.enqueue(tx, 'greeting', { to: address(1) });
        throw new Error('undone');
      })
      .catch(() => {});
    await send(queue, address(2));
    await smtp.arrived(1);
    await isEmpty();
    expect(recipients()).toEqual([address(2)]);
    expect(lines).toEqual([]);
  });

  it('are made when they are sent: nothing of their text waits in the database', async () => {
    await using queue = await openNode({ poll: 60_000 });
    await db.transaction((tx) => queue.enqueue(tx, 'greeting', { to: address(1) }));
    const [[attempts, payload]] = (await jobs()) as [[number, string]];
    expect(attempts).toBe(0);
    expect(payload).not.toContain('secret');
    queue.wake();
    await smtp.arrived(1);
    expect(smtp.received[0]!.mail.text).toContain(`secret for ${address(1)}`);
  });

  it('are found without being told of, by each node', async () => {
    await using queue = await openNode();
    await db.transaction((tx) => queue.enqueue(tx, 'greeting', { to: address(1) }));
    await smtp.arrived(1);
  });

  it('are not sent where there is nothing to say', async () => {
    await using queue = await openNode();
    queue.handle('nothing', async () => undefined);
    await db.transaction((tx) => queue.enqueue(tx, 'nothing', {}));
    queue.wake();
    await isEmpty();
    expect(smtp.received).toEqual([]);
  });

  it('are each sent once by two nodes that look at the same time', async () => {
    await using one = await openNode();
    await using two = await openNode();
    const all = Array.from({ length: 40 }, (_, i) => address(i));
    await Promise.all([send(one, ...all.slice(0, 20)), send(two, ...all.slice(20))]);
    one.wake();
    two.wake();
    await smtp.arrived(40);
    await isEmpty();
    expect(recipients()).toEqual([...all].sort());
  });

  it('of a kind that a node does not know wait for one that does', async () => {
    await using older = await openNode();
    await db.transaction((tx) => older.enqueue(tx, 'news', {}));
    await send(older, address(1));
    await smtp.arrived(1);
    await vi.waitFor(async () => expect((await jobs()).map(([attempts]) => attempts)).toEqual([0]));
    await using newer = await openNode();
    newer.handle('news', async () => ({ to: address(2), subject: 'News', text: '', html: '' }));
    await smtp.arrived(2);
  });

  it('are sent no more than a few at a time', async () => {
    let now = 0;
    let most = 0;
    hold = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 20));
      now -= 1;
    };
    await using queue = await openNode({ parallel: 2 });
    await send(queue, ...Array.from({ length: 8 }, (_, i) => address(i)));
    await smtp.arrived(8);
    expect(most).toBe(2);
  });

  it('are refused when too many wait', async () => {
    await using queue = await openNode({ waiting: 2, poll: 60_000 });
    const add = () => db.transaction((tx) => queue.enqueue(tx, 'greeting', { to: address(1) }));
    await add();
    await add();
    await expect(add()).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { retryAfter: 60 } });
  });
});

describe('a mail that cannot be sent', () => {
  it('is tried again until it can be, and said once', async () => {
    refuse = 451;
    await using queue = await openNode({ backoff: Array(1000).fill(0) });
    await send(queue, address(1), address(2));
    await vi.waitFor(async () => expect((await jobs()).every(([attempts]) => attempts > 1)).toBe(true), 5000);
    refuse = undefined;
    await smtp.arrived(2);
    await isEmpty();
    expect(recipients()).toEqual([address(1), address(2)]);
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(lines[0]!.about).toMatchObject({ kind: 'greeting', reason: 'RCPT TO was answered with 451' });
  });

  it('waits longer from time to time', async () => {
    refuse = 451;
    await using queue = await openNode({ backoff: [0, 60_000] });
    await send(queue, address(1));
    const wait = `select extract(epoch from not_before - now())::int, attempts from millrace.mail_jobs`;
    await vi.waitFor(async () => {
      const [row] = (await db.query({ text: wait, values: [] })) as [[number, number]];
      expect(row[1]).toBe(2);
      expect(row[0]).toBeLessThanOrEqual(60);
      expect(row[0]).toBeGreaterThan(30);
    }, 5000);
  });

  it.each([
    ['for now, in the end', 451, 3],
    ['for good, at once', 550, 1],
  ])('%s is given up, with a line that does not say to whom', async (_title, code, attempts) => {
    refuse = code;
    await using queue = await openNode();
    await send(queue, address(1));
    await isEmpty();
    const last = lines.at(-1)!;
    expect(last).toMatchObject({ level: 'error', about: { kind: 'greeting', attempts } });
    expect(JSON.stringify(lines)).not.toContain('user1');
  });

  it('because it cannot be made tells nothing of why', async () => {
    await using queue = await openNode({ backoff: [] });
    queue.handle('broken', async () => {
      throw new Error('token 12345 of ann@example.test');
    });
    await db.transaction((tx) => queue.enqueue(tx, 'broken', {}));
    queue.wake();
    await isEmpty();
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toMatch(/12345|ann@/);
  });

  it('is sent by another node when the one that has it is stopped, and counts no attempt for that', async () => {
    let isHeld = true;
    const reached = new Promise<void>((resolve) => {
      hold = async () => {
        resolve();
        if (isHeld) await new Promise((_, reject) => setTimeout(() => reject(new Error('too late')), 500));
      };
    });
    const first = await openNode();
    await send(first, address(1));
    await reached;
    await first[Symbol.asyncDispose]();
    expect((await jobs()).map(([attempts]) => attempts)).toEqual([0]);
    isHeld = false;
    await using second = await openNode();
    second.wake();
    await smtp.arrived(1);
    await isEmpty();
    expect(recipients()).toEqual([address(1)]);
  });

  it('is sent by another node when the one that has it has died', async () => {
    await using dead = await openNode({ poll: 60_000 });
    await db.transaction((tx) => dead.enqueue(tx, 'greeting', { to: address(1) }));
    // Taken, as a node does that is killed then.
    await db.query({
      text: `update millrace.mail_jobs set attempts = 1, not_before = now() + interval '300 ms'`,
      values: [],
    });
    await using other = await openNode();
    other.wake();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(smtp.received).toEqual([]);
    await smtp.arrived(1);
    await isEmpty();
  });
});

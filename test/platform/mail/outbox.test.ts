import { get } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../src/platform/db.ts';
import { MailRefused } from '../../../src/platform/mail/mailer.ts';
import { type Outbox, openOutbox } from '../../../src/platform/mail/outbox.ts';
import { ask } from '../../support/postgres.ts';
import { startServer, type TestServer } from '../../support/server.ts';

let server: TestServer;
let db: Database;
let outbox: Outbox;
beforeAll(async () => {
  server = await startServer({ config: (c) => ({ ...c, mail: { kind: 'outbox' } }) });
  db = openDatabase({ url: server.databaseUrl, size: 1, statementTimeout: 10_000 }, { onError: () => {} });
  outbox = await openOutbox(db);
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const mail = { to: 'ann@example.test', subject: 'Hi', text: 'Hallo', html: '<p>Hallo</p>' };
const page = (headers: Record<string, string> = {}) =>
  new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve) => {
    get(`${server.url}/dev/mail`, { headers }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode!, headers: response.headers, text });
    });
  });

it('keeps the newest 200 mails', async () => {
  await ask(
    server.databaseUrl,
    `insert into millrace.outbox (recipient, subject, text, html)
     select 'old@example.test', i::text, '', '' from generate_series(1, 250) i`,
  );
  await outbox.send(mail);
  const [count] = await ask<{ n: number }>(server.databaseUrl, 'select count(*)::int n from millrace.outbox');
  expect(count!.n).toBe(200);
  const [newest, before] = await outbox.list(2);
  expect(newest).toMatchObject(mail);
  expect(newest!.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(before!.subject).toBe('250');
});

it('refuses what SMTP would', async () => {
  const sent = outbox.send({ ...mail, to: 'ann@example.test\r\nBcc: eve@evil.test' });
  await expect(sent).rejects.toBeInstanceOf(MailRefused);
});

it('is shown at /dev/mail, with links to follow and nothing that could run', async () => {
  const evil = '<script>alert(1)</script>"\'&';
  await outbox.send({
    ...mail,
    subject: evil,
    text: `Go to http://localhost:4000/auth/link#token=a&b=1 or javascript:alert(1) ${evil} https://x.test/"onclick="alert(1)`,
    html: `<p title="x">${evil}</p>`,
  });
  const { status, text, headers } = await page();
  expect(status).toBe(200);
  expect(text).toContain('<a href="http://localhost:4000/auth/link#token=a&#38;b=1"');
  expect(text).not.toMatch(/<script|onclick="|href="javascript/);
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).not.toContain('script-src');
  expect(headers['cache-control']).toBe('no-store');
});

it.each([
  ['another name', { host: 'evil.test' }],
  ['a proxy', { 'x-forwarded-for': '192.0.2.1' }],
])('is not shown to who comes by %s', async (_title, headers) => {
  const { status, text } = await page(headers);
  expect(status).toBe(403);
  expect(text).not.toContain('ann@');
});

it('is not there where mails are sent, or cannot be', async () => {
  await using other = await startServer({ databaseUrl: server.databaseUrl });
  expect((await fetch(`${other.url}/dev/mail`)).status).toBe(404);
});

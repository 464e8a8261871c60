/** What proves who somebody is stands in no line of the log, not even of one that tells everything. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { readSources } from '../../src/application.ts';
import { defineSchema } from '../../src/graphql/define-schema.ts';
import { startServer as start } from '../../src/server.ts';
import { startAccountServer } from '../support/accounts.ts';
import { ask } from '../support/postgres.ts';
import { openRawSocket } from '../support/raw-socket.ts';

it('writes no token, cookie, key or password into the log, whatever fails', async () => {
  let lines = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines += String(chunk);
      done();
    },
  });
  const extend = defineSchema(({ mutationField }) => {
    mutationField('fault', 'everyone', (t) =>
      t.boolean({
        args: { password: t.arg.string() },
        resolve: () => {
          throw new Error('a fault of ours');
        },
      }),
    );
  });
  await using server = await startAccountServer({
    sources: { ...(await readSources(process.cwd())), extend },
    start: (config, overrides) => start(config, { ...overrides, log: pino({ level: 'trace' }, sink) }),
  });
  const password = 'a very secret pass phrase';
  const guest = await server.guest();
  await ask(server.databaseUrl, `update auth_accounts set kind = 'person' where user_id = '${guest.userId}'`);
  const created = await guest.query('mutation { createApiKey(name: "x", scopes: ["*"]) { secret } }');
  const { secret } = created.data.createApiKey;
  const wrong = `${secret.slice(0, -5)}WRONG`;
  const cookies = await server.stranger.post(
    { query: 'mutation { signInAsGuest { session { userId } } }' },
    { 'x-millrace-session': 'cookie' },
  );
  const cookie = cookies.headers.getSetCookie().map((line) => line.split(';', 1)[0]!);
  expect(cookie).toHaveLength(2);
  const faulty = { query: 'mutation ($p: String) { fault(password: $p) }', variables: { p: password } };
  const inline = { query: `mutation { fault(password: "${password}") }` };
  for (const authorization of [guest.accessToken, secret, wrong, `${guest.accessToken}x`])
    for (const body of [faulty, inline, '{', [faulty]])
      await server.stranger.post(body, { authorization: `Bearer ${authorization}`, cookie: cookie.join('; ') });
  await server.refresh(guest.refreshToken);
  await server.refresh(`${guest.refreshToken}x`);
  {
    using socket = await openRawSocket(server.url, { token: secret });
    socket.send({ id: '1', type: 'subscribe', payload: faulty });
    await socket.next();
    socket.send({ id: '2', type: 'subscribe', payload: { query: 'subscription { taskChanges { type } }' } });
    await socket.next();
    await guest.query('mutation { signOut }');
  }
  // Something was written at all, and of the requests that brought them.
  expect(lines).toContain('a fault of ours');
  const values = cookie.map((pair) => pair.slice(pair.indexOf('=') + 1));
  for (const kept of [password, guest.accessToken, guest.refreshToken, secret, wrong, secret.slice(-43), ...values])
    expect(lines.includes(kept), kept.slice(0, 12)).toBe(false);
});

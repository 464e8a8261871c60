import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccountServer, startAccountServer } from '../../support/accounts.ts';
import type { Answer } from '../../support/server.ts';

let server: AccountServer;
beforeAll(async () => {
  server = await startAccountServer();
});
afterAll(() => server[Symbol.asyncDispose]());

describe('a session', () => {
  it('begins with a sign-in, and its token says who asks', async () => {
    const guest = await server.guest();
    const { data } = await guest.query('{ me { userId kind email roles sessionId assurance } users { nodes { id } } }');
    expect(data.me).toEqual({
      userId: guest.userId,
      kind: 'GUEST',
      email: null,
      roles: [],
      sessionId: guest.sessionId,
      assurance: 1,
    });
    expect(data.users.nodes).toEqual([{ id: guest.userId }]);
  });

  it('is listed for its user and for nobody else', async () => {
    const [one, other] = [await server.guest(), await server.guest()];
    const { data } = await one.query('{ authSessions { nodes { id userId } } authAccounts { nodes { userId } } }');
    expect(data.authSessions.nodes).toEqual([{ id: one.sessionId, userId: one.userId }]);
    expect(data.authAccounts.nodes).toEqual([{ userId: one.userId }]);
    expect(JSON.stringify(await other.query('{ authSessions { nodes { id } } }'))).not.toContain(one.sessionId);
  });

  it('is renewed by its refresh token, which is good once', async () => {
    const guest = await server.guest();
    const renewed = await server.refresh(guest.refreshToken);
    expect(renewed.data.refreshSession.sessionId).toBe(guest.sessionId);
    expect(renewed.data.refreshSession.refreshToken).not.toBe(guest.refreshToken);
  });

  it('is answered once: neither a key nor a preview makes it be kept or forgotten', async () => {
    const query = 'mutation { signInAsGuest { session { accessToken } } }';
    const keyed = await server.stranger.post({ query }, { 'idempotency-key': 'one-key-for-it' });
    expect(((await keyed.json()) as Answer).errors![0]!.extensions.code).toBe('INVALID_INPUT');
    const previewed = await server.stranger.query('mutation @preview { signInAsGuest { session { accessToken } } }');
    expect(previewed.errors![0]!.extensions.code).toBe('INVALID_INPUT');
  });

  it('ends everywhere within a second when it is signed out of', async () => {
    const guest = await server.guest();
    expect((await guest.query('{ me { userId } }')).data.me.userId).toBe(guest.userId);
    expect((await guest.query('mutation { signOut }')).data).toEqual({ signOut: true });
    await expect
      .poll(async () => (await guest.query('{ me { userId } }')).errors?.[0]?.extensions.code, { timeout: 1000 })
      .toBe('UNAUTHENTICATED');
    expect((await server.refresh(guest.refreshToken)).errors![0]!.extensions.code).toBe('UNAUTHENTICATED');
  });
});

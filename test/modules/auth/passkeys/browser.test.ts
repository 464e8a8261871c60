import { createServer } from 'node:net';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchChromium } from '../../../support/chromium.ts';
import {
  type FactorServer,
  openAccount,
  openSessionOf,
  pendingOf,
  type SignedIn,
  startFactorServer,
  type TestAccount,
} from '../../../support/factors.ts';

/** A port that nobody has: the page's origin has to be known before the server is there. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const mutations = {
  start: 'mutation { options: startPasskeyRegistration }',
  finish:
    'mutation ($response: JSON!) { made: finishPasskeyRegistration(response: $response, name: "My phone") { id name recoveryCodes } }',
  ask: 'mutation ($token: String) { options: startPasskeySignIn(secondFactorToken: $token) }',
  signIn:
    'mutation ($response: JSON!) { done: signInWithPasskey(response: $response) { session { userId accessToken } } }',
  complete:
    'mutation ($response: JSON!, $token: String!) { done: completeSecondFactor(token: $token, passkey: $response) { session { userId accessToken } } }',
};

describe.skipIf(chromiumPath() === undefined)('passkeys in a browser', () => {
  let server: FactorServer;
  let browser: Browser;
  let page: Page;
  let devices: CDPSession;
  let authenticatorId: string;
  let account: TestAccount;
  let session: SignedIn;
  let origin: string;

  beforeAll(async () => {
    const port = await freePort();
    origin = `http://localhost:${port}`;
    server = await startFactorServer({
      config: (c) => ({ ...c, http: { ...c.http, port }, accounts: { ...c.accounts, publicUrl: origin } }),
    });
    account = await openAccount(server);
    session = await openSessionOf(server, account);
    browser = await launchChromium();
    page = await browser.newPage();
    devices = await page.context().newCDPSession(page);
    await devices.send('WebAuthn.enable');
    const added = await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    authenticatorId = added.authenticatorId;
    await page.goto(`${origin}/graphql`);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  /** Asks the server for options, the browser for a passkey, and the server what it makes of that. */
  const ceremony = (given: { kind: 'create' | 'get'; ask: string; answer: string; token?: string; bearer?: string }) =>
    page.evaluate(async ({ kind, ask, answer, token, bearer }) => {
      const send = async (query: string, variables: object) => {
        const response = await fetch('/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
          body: JSON.stringify({ query, variables }),
        });
        return response.json();
      };
      // biome-ignore lint/suspicious/noExplicitAny: a browser's globals, which the tests' types do not know
      const { PublicKeyCredential, navigator } = globalThis as any;
      const { options } = (await send(ask, { token })).data;
      try {
        const credential =
          kind === 'create'
            ? await navigator.credentials.create({
                publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
              })
            : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
        return send(answer, { response: credential.toJSON(), token });
      } catch (error) {
        return { browser: (error as Error).name };
      }
    }, given);

  it('are made on a page of ours, for whoever has signed in', async () => {
    const made = {
      kind: 'create',
      ask: mutations.start,
      answer: mutations.finish,
      bearer: session.accessToken,
    } as const;
    const answer = await ceremony(made);
    expect(answer.data.made).toMatchObject({ name: 'My phone', recoveryCodes: expect.any(Array) });
    const { credentials } = await devices.send('WebAuthn.getCredentials', { authenticatorId });
    expect(credentials).toMatchObject([{ isResidentCredential: true, rpId: 'localhost' }]);
    expect(await ceremony(made)).toEqual({ browser: 'InvalidStateError' });
  });

  it('sign in, without a name being asked, as often as one likes', async () => {
    for (let i = 0; i < 2; i++) {
      const answer = await ceremony({ kind: 'get', ask: mutations.ask, answer: mutations.signIn });
      expect(answer.data.done.session.userId).toBe(account.userId);
    }
  });

  it('are the second factor of another way in', async () => {
    const token = await pendingOf(server, account.userId);
    const answer = await ceremony({ kind: 'get', ask: mutations.ask, answer: mutations.complete, token });
    expect(answer.data.done.session.userId).toBe(account.userId);
  });

  it('are not used by somebody who does not unlock them', async () => {
    await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    const answer = await ceremony({ kind: 'get', ask: mutations.ask, answer: mutations.signIn });
    await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
    expect(answer).toEqual({ browser: 'NotAllowedError' });
  });

  it('are not to be had on a page of another host', async () => {
    await page.goto(`${origin.replace('localhost', '127.0.0.1')}/graphql`);
    const answer = await ceremony({ kind: 'get', ask: mutations.ask, answer: mutations.signIn });
    expect(answer).toEqual({ browser: 'SecurityError' });
  });
});

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oidc } from '../../../../src/modules/auth/oauth/provider.ts';
import { type AccountServer, startAccountServer } from '../../../support/accounts.ts';
import { chromiumPath, launchChromium } from '../../../support/chromium.ts';
import { type RealProvider, startRealProvider } from '../../../support/real-provider.ts';
import { freePort } from '../../../support/sign-in-browser.ts';

// A page of another origin, which holds its own verifier: what an application does.
const appPage = (
  api: string,
) => `<!doctype html><title>app</title><button>Sign in</button><pre></pre><script type="module">
const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+]/g, '-').replace(/[/]/g, '_').replace(/=/g, '');
const ask = async (query, variables, token) => {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: 'Bearer ' + token }) };
  const response = await fetch('${api}/graphql', { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return response.json();
};
document.querySelector('button').onclick = async () => {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.setItem('verifier', verifier);
  const challenge = base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
  const { data } = await ask(
    'mutation ($to: String! $c: String!) { startProviderSignIn(provider: "real", redirectTo: $to, challenge: $c) { url } }',
    { to: location.href, c: challenge });
  location.href = data.startProviderSignIn.url;
};
const code = new URLSearchParams(location.hash.slice(1)).get('code');
if (code) {
  history.replaceState(null, '', location.pathname);
  const verifier = sessionStorage.getItem('verifier');
  const { data, errors } = await ask(
    'mutation ($code: String! $v: String!) { signInWithProvider(code: $code, verifier: $v) { session { accessToken } } }',
    { code, v: verifier });
  const me = data && await ask('{ me { userId email isEmailVerified } }', {}, data.signInWithProvider.session.accessToken);
  document.querySelector('pre').textContent = JSON.stringify(errors ?? me.data.me);
}
</script>`;

describe.skipIf(!chromiumPath())(
  'signing in with a real provider in Chromium (needs Chromium: set CHROMIUM_PATH)',
  { timeout: 60_000 },
  () => {
    let browser: Browser;
    let provider: RealProvider;
    let server: AccountServer;
    let app: Server;
    let appUrl: string;
    let api: string;

    beforeAll(async () => {
      app = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' }).end(appPage(api));
      });
      await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
      // @NOTE another site than the API's: 127.0.0.1, not localhost.
      appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
      browser = await launchChromium();
      // Either needs the other's address: the provider knows whom it sends back, the server whom it sends there.
      provider = await startRealProvider((uri) => /^http:\/\/localhost:\d+\/auth\/real\/callback$/.test(uri));
      const { issuer, clientId, clientSecret } = provider;
      const port = await freePort();
      api = `http://localhost:${port}`;
      server = await startAccountServer({
        accounts: { providers: { real: oidc({ issuer, clientId, clientSecret }) } },
        config: (config) => {
          const accounts = { ...config.accounts, publicUrl: api, origins: [appUrl] };
          return { ...config, http: { ...config.http, port, corsOrigins: [appUrl] }, accounts };
        },
      });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await server?.[Symbol.asyncDispose]();
      await provider?.[Symbol.asyncDispose]();
      app?.close();
    });

    /** A browser of somebody’s own. */
    async function open(): Promise<Page> {
      const context = await browser.newContext();
      const page = await context.newPage();
      // The provider's pages ask for a font of others.
      await page.route(/^https:/, (route) => route.abort());
      return page;
    }

    /** @NOTE the provider's own are there too: cookies know no ports. */
    const ourCookies = async (page: Page) =>
      (await page.context().cookies(api)).filter(({ name }) => name.startsWith('millrace'));

    /** Fills in the provider’s pages: who it is, and that they agree. */
    async function agree(page: Page, login: string): Promise<void> {
      await page.locator('input[name=login]').fill(login);
      await page.locator('input[name=password]').fill('any');
      await page.locator('button[type=submit]').click();
      await page.locator('button[type=submit]', { hasText: 'Continue' }).click();
    }

    it('a page of our own origin has a session in cookies afterwards, which no script reads', async () => {
      const page = await open();
      await page.goto(`${api}/auth/real?redirectTo=/health?from=sign-in`);
      await agree(page, 'ada');
      await page.waitForURL(`${api}/health?from=sign-in`);
      const me = await page.evaluate(async () => {
        const response = await fetch('/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-millrace-csrf': '1' },
          body: JSON.stringify({ query: '{ me { email isEmailVerified } }' }),
        });
        return [document.cookie, await response.json()];
      });
      expect(me).toEqual(['', { data: { me: { email: 'ada@example.com', isEmailVerified: true } } }]);
      const cookies = await ourCookies(page);
      expect(cookies.map(({ name }) => name).sort()).toEqual(['millrace', 'millrace-flow', 'millrace-refresh']);
      expect(cookies.every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax')).toBe(true);
    });

    it('a page of another site signs in by its verifier, and no cookie is left', async () => {
      const page = await open();
      await page.goto(appUrl);
      await page.locator('button').click();
      await agree(page, 'grace');
      await page.waitForURL(`${appUrl}/**`);
      await page.locator('pre', { hasText: 'grace@example.com' }).waitFor();
      expect(await page.evaluate(() => location.hash)).toBe('');
      expect(await ourCookies(page)).toEqual([]);
    });

    it('who says no is back where they came from, and told so', async () => {
      const page = await open();
      await page.goto(`${api}/auth/real?redirectTo=/health`);
      await page.locator('a', { hasText: 'Cancel' }).click();
      await page.waitForURL(`${api}/health#error=access_denied`);
      expect((await ourCookies(page)).map(({ name }) => name)).toEqual(['millrace-flow']);
    });
  },
);

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchChromium } from '../../support/chromium.ts';
import { documents, linkIn, type MailServer, newAddress, startMailServer } from '../../support/mail-server.ts';

describe.skipIf(!chromiumPath())('the page that links lead to, in Chromium (needs it: set CHROMIUM_PATH)', () => {
  let browser: Browser;
  let server: MailServer;
  const complaints: string[] = [];
  const requested: string[] = [];
  beforeAll(async () => {
    [browser, server] = await Promise.all([launchChromium(), startMailServer()]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const open = async (path: string): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requested.push(request.url()));
    await page.goto(server.url + path);
    return page;
  };
  const linkTo = async (email: string, nth = 1) => {
    await server.from(documents.link, { email });
    const { pathname, hash } = linkIn(await server.mailTo(email, nth));
    return pathname + hash;
  };

  it('uses nothing up until its button is pressed, and then signs this browser in by cookies', async () => {
    const email = newAddress();
    const path = await linkTo(email);
    await (await open(path)).context().close();
    const page = await open(path);
    expect(new URL(page.url()).hash).toBe('');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('You are signed in.').waitFor();
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name, httpOnly }) => [name, httpOnly]).sort()).toEqual([
      ['millrace', true],
      ['millrace-refresh', true],
    ]);
    const token = new URLSearchParams(path.split('#')[1]).get('token')!;
    expect(requested.filter((url) => url.includes(token) && !url.includes('#'))).toEqual([]);
    const me = await page.evaluate(async () => {
      const headers = { 'content-type': 'application/json', 'x-millrace-csrf': '1' };
      const body = JSON.stringify({ query: '{ me { email } }' });
      return (await fetch('/graphql', { method: 'POST', headers, body })).json();
    });
    expect(me).toMatchObject({ data: { me: { email } } });

    const again = await open(path);
    await again.getByRole('button', { name: 'Sign in' }).click();
    await again.getByText('not good any more').waitFor();
    expect(await again.context().cookies()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('says so when the link is not complete, and runs nothing that stands in it', async () => {
    for (const hash of ['', '#token=x', '#for=__proto__&token=x', '#for=<img src=x onerror=alert(1)>&token=x']) {
      const page = await open(`/auth/link${hash}`);
      await page.getByText('This link is not complete').waitFor();
      expect(await page.getByRole('button').count()).toBe(0);
    }
    expect(complaints).toEqual([]);
  });
});

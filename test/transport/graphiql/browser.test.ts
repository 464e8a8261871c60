import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchChromium } from '../../support/chromium.ts';
import { startTracker, type TrackerServer } from './tracker-server.ts';

const patience = { timeout: 15_000 };
const modifier = process.platform === 'darwin' ? 'Meta' : 'Control';

describe.skipIf(!chromiumPath())(
  'GraphiQL in Chromium (needs Chromium: set CHROMIUM_PATH)',
  { timeout: 60_000 },
  () => {
    let browser: Browser;
    let server: TrackerServer;
    let cacheDirectory: string;

    beforeAll(async () => {
      cacheDirectory = await mkdtemp(join(tmpdir(), 'graphiql '));
      browser = await launchChromium();
      server = await startTracker({
        cacheDirectory,
        viewAs: {
          mintToken: async (sub, role) => `${sub ?? 'nobody'}.${role ?? 'none'}`,
          suggestions: async () => [
            { sub: 'u1', role: 'member', label: 'Ada Lovelace' },
            { sub: 'u2', role: 'owner', label: '<b>Grace</b>' },
          ],
        },
      });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await server?.[Symbol.asyncDispose]();
      await rm(cacheDirectory, { recursive: true, force: true });
    });

    async function open(from = server, hash = ''): Promise<{ page: Page; requested: string[]; complaints: string[] }> {
      const page = await browser.newPage();
      const requested: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => requested.push(request.url()));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.goto(`${from.origin}/graphql${hash}`);
      await page.locator('.graphiql-query-editor .view-line').first().waitFor();
      return { page, requested, complaints };
    }

    async function run(page: Page, expected: string): Promise<void> {
      await page.locator('.graphiql-execute-button').click();
      await page.locator('.graphiql-response .view-line', { hasText: expected }).first().waitFor();
    }

    async function type(page: Page, editor: string, text: string): Promise<void> {
      await page.locator(`${editor} .view-lines`).click();
      await page.keyboard.press(`${modifier}+A`);
      await page.keyboard.press('Delete');
      await page.keyboard.insertText(text);
    }

    /** GraphiQL writes what is typed down a moment later. */
    function kept(page: Page, text: string) {
      return expect.poll(() => page.evaluate("localStorage.getItem('graphiql:tabState')"), patience).toContain(text);
    }

    const answered = (from = server) => from.arrived.at(-1)?.authorization;

    it('opens with the examples as tabs, and the first one is answered', async () => {
      const { page, complaints } = await open();
      const tabs = await page.locator('.graphiql-tab-button').allTextContents();
      expect(tabs).toEqual(['TasksWithComments', 'FilteredTasks', 'OneTask', 'CreateTask', 'LiveTasks', 'TaskChanges']);
      await run(page, 'Measure the fall of the water');
      expect(answered()).toBeUndefined();
      expect(complaints).toEqual([]);
      await page.close();
    });

    it('asks no other host for anything, with editors, workers, completion and documentation in use', async () => {
      const { page, requested, complaints } = await open();
      await page.locator('.graphiql-query-editor .view-lines').click();
      await page.keyboard.press(`${modifier}+End`);
      await page.keyboard.type('\n{ ta');
      await page.locator('.suggest-widget .monaco-list-row', { hasText: 'tasks' }).first().waitFor();
      await page.keyboard.press('Escape');
      await page.getByLabel('Show Documentation Explorer').click();
      await page.locator('.graphiql-doc-explorer', { hasText: 'Query' }).waitFor();
      const hosts = new Set(requested.filter((url) => !/^(data|blob):/.test(url)).map((url) => new URL(url).origin));
      expect([...hosts]).toEqual([server.origin]);
      expect(requested.filter((url) => url.includes('/assets/worker-')).length).toBeGreaterThanOrEqual(2);
      expect(complaints).toEqual([]);
      await page.close();
    });

    it('asks as whom the developer picks, shows it, and keeps it across a reload', async () => {
      const { page, complaints } = await open();
      await page.locator('#view-as-button').click();
      await page.locator('#view-as-panel .item', { hasText: 'Ada Lovelace' }).click();
      await expect.poll(() => page.locator('#view-as-button').textContent(), patience).toContain('Ada Lovelace');
      await run(page, 'data');
      expect(answered()).toBe('Bearer u1.member');

      await page.reload();
      await page.locator('.graphiql-query-editor .view-line').first().waitFor();
      expect(await page.locator('#view-as-button').textContent()).toContain('Ada Lovelace');
      await run(page, 'data');
      expect(answered()).toBe('Bearer u1.member');

      await page.locator('#view-as-button').click();
      await page.locator('#view-as-panel .item', { hasText: 'Anonymous' }).click();
      await expect.poll(() => page.locator('#view-as-button').textContent(), patience).toContain('Anonymous');
      await run(page, 'data');
      expect(answered()).toBeUndefined();
      expect(complaints).toEqual([]);
      await page.close();
    });

    it('takes any user and role, by keyboard alone', async () => {
      const { page } = await open();
      await page.locator('#view-as-button').focus();
      await page.keyboard.press('Enter');
      await expect
        .poll(() => page.locator('#view-as-panel .item').allTextContents(), patience)
        .toEqual(['Anonymousno token', 'Adminrole only', 'Ada Lovelacemember', '<b>Grace</b>owner']);
      for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowDown');
      await page.keyboard.type('u77');
      await page.keyboard.press('Tab');
      await page.keyboard.type('auditor');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('#view-as-button').textContent(), patience).toContain('auditor · u77');
      expect(await page.locator('#view-as-panel').isVisible()).toBe(false);
      await run(page, 'data');
      expect(answered()).toBe('Bearer u77.auditor');
      await page.close();
    });

    it('lets an Authorization of the headers editor win, says so, and keeps it', async () => {
      const { page } = await open();
      await page.locator('#view-as-button').click();
      await page.locator('#view-as-panel .item', { hasText: 'Admin' }).click();
      await page.getByRole('button', { name: 'Headers' }).click();
      await type(page, '.graphiql-editor-tool .graphiql-editor:not(.hidden)', '{"Authorization": "Bearer mine"}');
      await run(page, 'data');
      expect(answered()).toBe('Bearer mine');
      expect(await page.locator('#bar .note').textContent()).toContain('headers editor');
      await kept(page, 'mine');
      await page.reload();
      await page.locator('.graphiql-query-editor .view-line').first().waitFor();
      await run(page, 'data');
      expect(answered()).toBe('Bearer mine');
      await page.close();
    });

    it('opens an example again from the menu, in a tab of its own', async () => {
      const { page } = await open();
      await type(page, '.graphiql-query-editor', '{ viewer }');
      await page.locator('#examples-button').click();
      await page.locator('#examples-panel .item', { hasText: 'Tasks with their comments' }).click();
      await expect
        .poll(() => page.locator('.graphiql-tab-button').allTextContents(), patience)
        .toEqual([
          '<untitled>',
          'FilteredTasks',
          'OneTask',
          'CreateTask',
          'LiveTasks',
          'TaskChanges',
          'TasksWithComments',
        ]);
      expect(page.url()).toBe(`${server.origin}/graphql`);
      await run(page, 'Measure the fall of the water');
      await page.close();
    });

    it('opens a document given in the address, and does not run it', async () => {
      const before = server.arrived.length;
      const { page } = await open(server, `#query=${encodeURIComponent('query Linked { viewer }')}`);
      expect(await page.locator('.graphiql-tab-button').allTextContents()).toContain('Linked');
      await page.waitForTimeout(500);
      // The introspection alone.
      expect(server.arrived.length).toBe(before + 1);
      await page.close();
    });

    it('subscribes over a WebSocket as whom the developer picked', async () => {
      const { page } = await open(server, `#query=${encodeURIComponent('subscription Ticks { ticks(count: 3) }')}`);
      await page.locator('#view-as-button').click();
      await page.locator('#view-as-panel .item', { hasText: 'Ada Lovelace' }).click();
      await run(page, '"ticks": 3');
      expect(server.opened.at(-1)).toEqual({ Authorization: 'Bearer u1.member' });
      await page.close();
    });

    it('takes a new token when a WebSocket is refused the old one', async () => {
      const { page } = await open(server, `#query=${encodeURIComponent('subscription Ticks { ticks(count: 4) }')}`);
      await page.locator('#view-as-button').click();
      await page.locator('#view-as-panel .item', { hasText: 'Admin' }).click();
      const before = server.opened.length;
      server.refused.add('Bearer nobody.admin');
      await run(page, '"ticks": 4');
      expect(server.opened.length).toBe(before + 2);
      await page.close();
    });

    it('begins as the viewer the server proposes, and has no view-as where the server has none', async () => {
      const viewAs = {
        mintToken: async () => 'first',
        suggestions: async () => [],
        initial: { role: 'admin', label: 'Admin' },
      };
      await using proposing = await startTracker({ cacheDirectory, viewAs });
      const first = await open(proposing);
      expect(await first.page.locator('#view-as-button').textContent()).toContain('Admin');
      await run(first.page, 'data');
      expect(answered(proposing)).toBe('Bearer first');
      await first.page.close();

      await using plain = await startTracker({ cacheDirectory });
      const second = await open(plain);
      expect(await second.page.locator('#view-as-button').count()).toBe(0);
      await run(second.page, 'data');
      await second.page.close();
    });
  },
);

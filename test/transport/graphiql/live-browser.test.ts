import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, launchChromium } from '../../support/chromium.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { openSocket } from '../../support/socket.ts';
import { insertTeam, team } from '../../support/team.ts';

const modifier = process.platform === 'darwin' ? 'Meta' : 'Control';
const patience = { timeout: 15_000 };

const liveTasks =
  'query LiveTasks @live { tasks(orderBy: [{ createdAt: asc }]) { totalCount nodes { title status assignee { name } } } }';
const taskChanges = 'subscription TaskChanges { taskChanges { type changedFields node { title } previous { title } } }';
const rename = (title: string) =>
  `mutation Rename { updateTask(where: { id: "${team.pond}" }, data: { title: "${title}" }) { title } }`;

describe.skipIf(!chromiumPath())(
  'what is live in GraphiQL, in Chromium (needs Chromium: set CHROMIUM_PATH)',
  { timeout: 90_000 },
  () => {
    let browser: Browser;
    let server: TestServer;
    beforeAll(async () => {
      browser = await launchChromium();
      server = await startServer({
        config: (config) => ({ ...config, streams: { ...config.streams, connectionsPerUser: 2 } }),
      });
      await insertTeam(server.databaseUrl);
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await server?.[Symbol.asyncDispose]();
    });

    const tokenOf = (sub: string) => server.server.tokens.mint!({ sub });

    /** GraphiQL of somebody, with a document that is not run yet. */
    async function open(sub: string, query: string, token?: string): Promise<Page> {
      const page = await browser.newPage({ viewport: { width: 1100, height: 620 } });
      await page.goto(`${server.url}/graphql#query=${encodeURIComponent(query)}`);
      await page.locator('.graphiql-query-editor .view-line').first().waitFor();
      await page.getByRole('button', { name: 'Headers' }).click();
      await page.locator('.graphiql-editor-tool .graphiql-editor:not(.hidden) .view-lines').click();
      await page.keyboard.press(`${modifier}+A`);
      await page.keyboard.press('Delete');
      await page.keyboard.insertText(JSON.stringify({ Authorization: `Bearer ${token ?? (await tokenOf(sub))}` }));
      return page;
    }

    const press = (page: Page) => page.locator('.graphiql-execute-button').click();
    const answer = async (page: Page) =>
      (await page.locator('.graphiql-response .view-line').allTextContents()).join('\n').replaceAll('\u00a0', ' ');
    const shows = (page: Page, text: string) => expect.poll(() => answer(page), patience).toContain(text);
    const stateOf = (page: Page) => page.locator('#stream-state').textContent();

    it('a @live query and a subscription show what another window writes, within two seconds', async () => {
      const [query, subscription, writer] = [
        await open(team.ann, liveTasks),
        await open(team.cleo, taskChanges),
        await open(team.ben, rename('Drain the millpond')),
      ];
      await Promise.all([press(query), press(subscription)]);
      await shows(query, 'Water the millpond');
      await shows(subscription, 'CHECKPOINT');
      expect([await stateOf(query), await stateOf(subscription)]).toEqual(['Live', 'Live']);

      await press(writer);
      await shows(writer, 'Drain the millpond');
      const written = performance.now();
      await Promise.all([shows(query, 'Drain the millpond'), shows(subscription, '"type": "UPDATED"')]);
      expect(performance.now() - written).toBeLessThan(2000);
      await shows(subscription, '"title": "Water the millpond"');
      for (const page of [query, subscription, writer]) await page.close();
    });

    it('ends when it is stopped, and when its window is closed', async () => {
      const [first, second] = [await open(team.ann, liveTasks), await open(team.ann, taskChanges)];
      await Promise.all([press(first), press(second)]);
      await shows(first, 'totalCount');
      await shows(second, 'CHECKPOINT');
      // The user may have two sockets.
      const mayOpen = async () => {
        const socket = await openSocket(server, { sub: team.ann });
        const isOpen = await socket
          .subscribe(taskChanges)
          .next()
          .then(
            () => true,
            () => false,
          );
        if (isOpen) await socket[Symbol.asyncDispose]();
        return isOpen;
      };
      expect(await mayOpen()).toBe(false);

      await press(first);
      await expect.poll(() => stateOf(first), patience).toBe('');
      await expect.poll(mayOpen, patience).toBe(true);
      const before = await answer(first);
      await server.as({ sub: team.ben }).query(rename('Fill the millpond'));
      await shows(second, 'Fill the millpond');
      expect(await answer(first)).toBe(before);

      await press(first);
      await shows(first, 'Fill the millpond');
      expect(await mayOpen()).toBe(false);
      await second.close();
      await expect.poll(mayOpen, patience).toBe(true);
      await first.close();
    });

    it('says why it cannot begin', async () => {
      const page = await open(team.ann, 'query Wide @live { tasks(first: 100000) { totalCount } }');
      await press(page);
      await shows(page, 'INVALID_INPUT');
      expect(await stateOf(page)).toBe('');
      await page.close();

      const unknown = await open(team.ann, taskChanges, 'nonsense');
      await press(unknown);
      await shows(unknown, '(4401)');
      await unknown.close();
    });

    it('takes a query for a live one by its directive alone', async () => {
      const document = `# query @live { tasks }
        query Plain($text: String = "@live {") { tasks(where: { title: { equals: $text } }) { totalCount } }
        query Other @live { tasks { totalCount } }`;
      const page = await open(team.ann, document);
      // The first operation is the one that the cursor is in.
      await page.locator('.graphiql-query-editor .view-line', { hasText: 'query Plain' }).click();
      await page.keyboard.press(`${modifier}+Enter`);
      await shows(page, '"totalCount": 0');
      expect(await stateOf(page)).toBe('');
      await page.close();
    });
  },
);

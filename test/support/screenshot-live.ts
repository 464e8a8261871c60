import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { launchChromium } from './chromium.ts';

// node --import tsx test/support/screenshot-live.ts --url http://localhost:4000/graphql --out docs/live.png
// A picture of two windows of GraphiQL, by a server that runs on the filled example: one writes, the other shows it.
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://localhost:4000/graphql' },
    out: { type: 'string', default: 'docs/live.png' },
  },
});
const size = { width: 1180, height: 420 };

const live = `query Doing @live {
  tasks(
    where: {status: {equals: DOING}}
    orderBy: [{updatedAt: desc}]
    first: 3
  ) {
    totalCount
    nodes { title assignee { name } }
  }
}
`;

async function open(browser: Browser, query: string): Promise<Page> {
  const page = await browser.newPage({ viewport: size, colorScheme: 'light' });
  await page.goto(`${values.url}#query=${encodeURIComponent(query)}`);
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  // Room for the document: the editors of variables and headers are folded.
  await page
    .getByLabel('Hide editor tools')
    .click({ timeout: 5000 })
    .catch(() => {});
  return page;
}

async function run(page: Page, expected: string): Promise<void> {
  await page.locator('.graphiql-execute-button').click();
  await page.locator('.graphiql-response .view-line', { hasText: expected }).first().waitFor();
}

async function firstTask(page: Page): Promise<string> {
  const text = await page.locator('.graphiql-response .view-line').allTextContents();
  return text.join('').match(/"id":\s*"([^"]+)"/)![1]!;
}

const browser = await launchChromium();
try {
  const finder = await open(browser, '{ tasks(where: { status: { equals: TODO } }, first: 1) { nodes { id } } }');
  await run(finder, '"id"');
  const id = await firstTask(finder);
  const reader = await open(browser, live);
  await run(reader, 'totalCount');
  const writer = await open(
    browser,
    `mutation Begin {
  updateTask(
    where: {id: "${id}"}
    data: {
      title: "Mend the sluice gate"
      status: DOING
    }
  ) {
    title
    status
    updatedAt
  }
}
`,
  );
  await run(writer, 'Mend the sluice gate');
  await reader.locator('.graphiql-response .view-line', { hasText: 'Mend the sluice gate' }).first().waitFor();
  await reader.waitForTimeout(800);
  const pictures = await Promise.all(
    [writer, reader].map(async (page) => (await page.screenshot()).toString('base64')),
  );
  const both = await browser.newPage({ viewport: { width: size.width, height: 2 * size.height + 12 } });
  const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture}">`).join('');
  await both.setContent(
    `<style>body{margin:0;display:flex;flex-direction:column;gap:12px;background:#b7c0cc}</style>${images}`,
  );
  await both.screenshot({ path: values.out });
  process.stdout.write(`${values.out}\n`);
} finally {
  await browser.close();
}

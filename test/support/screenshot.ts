import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { launchChromium } from './chromium.ts';

// node --import tsx test/support/screenshot.ts --url http://localhost:4000/graphql --out docs/graphiql.png
// A picture of GraphiQL with its first example answered, by a server that is running.
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://localhost:4000/graphql' },
    out: { type: 'string', default: 'docs/graphiql.png' },
    theme: { type: 'string', default: 'light' },
    /** Label of a viewer to pick in "view as" first. */
    viewer: { type: 'string' },
    /** Leave the view-as panel open. */
    panel: { type: 'boolean', default: false },
    width: { type: 'string', default: '1360' },
    height: { type: 'string', default: '820' },
  },
});

const browser = await launchChromium();
try {
  const page = await browser.newPage({
    viewport: { width: Number(values.width), height: Number(values.height) },
    colorScheme: values.theme === 'dark' ? 'dark' : 'light',
  });
  await page.goto(values.url);
  const run = page.locator('.graphiql-execute-button');
  await run.waitFor();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  if (values.viewer) {
    await page.locator('#view-as-button').click();
    await page.locator('#view-as-panel .item', { hasText: values.viewer }).first().click();
  }
  await run.click();
  await page.locator('.graphiql-response .view-line', { hasText: 'data' }).first().waitFor();
  if (values.panel) {
    await page.locator('#view-as-button').click();
    await page.locator('#view-as-panel .item').first().waitFor();
  }
  // Colours arrive when the editor's workers have read the text.
  await page.waitForTimeout(800);
  await mkdir(dirname(values.out), { recursive: true });
  await page.screenshot({ path: values.out });
  process.stdout.write(`${values.out}\n`);
} finally {
  await browser.close();
}

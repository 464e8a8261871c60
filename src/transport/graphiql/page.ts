import { createHash } from 'node:crypto';
import type { Asset } from './assets.ts';
import type { ExampleQuery } from './examples.ts';
import type { ViewAsChoice } from './view-as.ts';

/** What the page's script is told, as JSON in the page. */
export interface PageConfig {
  title: string;
  examples: ExampleQuery[];
  /** Sent with every request to the endpoint, beside those of the headers editor. */
  headers: Record<string, string>;
  /** Whom this browser asks as at first, when it may pick; null when it may not. */
  viewAs: { initial: ViewAsChoice | null } | null;
}

/** A page ready to be sent. */
export interface Page {
  html: Buffer;
  etag: string;
}

/**
 * The page's policy: its own host and nothing else. No script stands in the page, so none needs a nonce; styles may be inline
 * because the editor makes `<style>` elements while it runs; `data:` is for the fonts and icons inside its style sheet.
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Writes the page; addresses are relative, so that a proxy may serve the endpoint under another path. */
export function renderPage(config: PageConfig, endpoint: string, assets: ReadonlyMap<string, Asset>): Page {
  const base = `${endpoint.slice(endpoint.lastIndexOf('/') + 1)}/assets/`;
  const url = (name: string) => base + assets.get(name)!.file;
  const workers = {
    editorWorkerService: url('worker-editor.js'),
    json: url('worker-json.js'),
    graphql: url('worker-graphql.js'),
  };
  const title = escapeHtml(config.title);
  const html = Buffer.from(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · GraphiQL</title>
<link rel="icon" type="image/svg+xml" href="${url('favicon.svg')}">
<link rel="stylesheet" href="${url('graphiql.css')}">
<link rel="stylesheet" href="${url('page.css')}">
<script type="application/json" id="config">${embedJson({ ...config, workers })}</script>
<script defer src="${url('graphiql.js')}"></script>
<script defer src="${url('graphql-ws.js')}"></script>
<script defer src="${url('fetcher.js')}"></script>
<script defer src="${url('page.js')}"></script>
</head>
<body>
<header id="bar" aria-label="${title}">
<img src="${url('favicon.svg')}" alt="" width="20" height="20">
<h1>${title}</h1>
</header>
<main id="root"><noscript>GraphiQL needs JavaScript.</noscript><p class="loading">Loading GraphiQL …</p></main>
</body>
</html>
`);
  return { html, etag: `"${createHash('sha256').update(html).digest('hex').slice(0, 16)}"` };
}

/** JSON that cannot end the script element it stands in. */
function embedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

import type { Outbox, OutboxMail } from '../platform/mail/outbox.ts';
import { isLocal } from './graphiql/view-as.ts';
import type { Route } from './routes.ts';

/** The page's policy: it runs and loads nothing. Mails bring their styles along. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const shown = 50;

/** The page on which a developer reads what the server would have mailed; there where the outbox is. */
export const devMailRoute = (outbox: Outbox): Route => ({
  method: 'GET',
  path: '/dev/mail',
  async handle(request, response) {
    // @NOTE the links in it sign people in: no other machine, and no page by a name that it has for this one, may read it.
    if (!isLocal(request)) {
      response.writeHead(403, { 'Content-Type': 'text/plain; charset=utf-8' }).end('On the machine itself only.\n');
      return;
    }
    const html = Buffer.from(renderOutbox(await outbox.list(shown)));
    response
      .writeHead(200, {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Length': html.length,
        'Content-Security-Policy': contentSecurityPolicy,
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
        'X-Frame-Options': 'DENY',
        'Cross-Origin-Resource-Policy': 'same-origin',
        'Cross-Origin-Opener-Policy': 'same-origin',
      })
      .end(html);
  },
});

function renderOutbox(mails: readonly OutboxMail[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Mail · Millrace</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid #8886; border-radius: 8px; padding: 1rem; margin: 1rem 0; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin: 0; }
.to { color: #888; margin: 0 0 .75rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: 0 0 .75rem; }
iframe { width: 100%; height: 24rem; border: 1px solid #8886; border-radius: 4px; background: #fff; }
</style>
</head>
<body>
<h1>Mail that would have been sent</h1>
<p>The newest ${shown}. Set <code>SMTP_URL</code> to send them.</p>
${mails.map(renderMail).join('\n') || '<p>None yet.</p>'}
</body>
</html>
`;
}

const renderMail = ({ to, at, subject, text, html }: OutboxMail): string => `<article>
<h2>${escapeHtml(subject)}</h2>
<p class="to">to ${escapeHtml(to)} · <time datetime="${at}">${at.replace('T', ' ').slice(0, 19)}</time></p>
<pre>${withLinks(text)}</pre>
<details><summary>As HTML</summary>
<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="${escapeHtml(`<base target="_blank">${html}`)}"></iframe>
</details>
</article>`;

/** Text as HTML, its web addresses as links. */
const withLinks = (text: string): string =>
  text
    .split(/(https?:\/\/[^\s<>"']+)/)
    .map((part, i) =>
      i % 2 === 0
        ? escapeHtml(part)
        : `<a href="${escapeHtml(part)}" target="_blank" rel="noreferrer">${escapeHtml(part)}</a>`,
    )
    .join('');

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

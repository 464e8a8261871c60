/**
 * The page that links in mails lead to where no other is named. It does nothing by itself: a button sends the token, which stands
 * behind `#` and so was sent to nobody. Whoever fetches the page, as scanners of mail do, uses nothing up.
 */
import { createHash } from 'node:crypto';
import type { Route } from '../../../transport/routes.ts';

const script = `
const parameters = new URLSearchParams(location.hash.slice(1));
const token = parameters.get('token') ?? '';
const kind = parameters.get('for') ?? '';
history.replaceState(null, '', location.pathname);
const tokens = '{ session { userId } secondFactor { token } }';
const kinds = {
  'sign-in-link': { title: 'Sign in', done: 'You are signed in.', query: 'mutation ($token: String!) { result: signInWithLink(token: $token) ' + tokens + ' }' },
  'verify-email': { title: 'Confirm your address', done: 'Your address is confirmed.', query: 'mutation ($token: String!) { result: verifyEmail(token: $token) }' },
  'change-email': { title: 'Use this address', done: 'This is your address now.', query: 'mutation ($token: String!) { result: confirmEmailChange(token: $token) }' },
  'undo-email-change': { title: 'Put my address back', done: 'Your address is back, and everybody is signed out.', query: 'mutation ($token: String!) { result: undoEmailChange(token: $token) }' },
  'reset-password': { title: 'Choose a new password', done: 'Your password was changed. Sign in with it now.', password: 'new-password', query: 'mutation ($token: String!, $password: String!) { result: resetPassword(token: $token, newPassword: $password) }' },
  'invitation': { title: 'Join', done: 'You have joined.', query: 'mutation ($token: String!) { result: acceptInvitation(token: $token) { __typename } }' },
  'upgrade-guest': { title: 'Keep what you have done', done: 'You are signed in.', query: 'mutation ($token: String!) { result: confirmGuestUpgrade(token: $token) ' + tokens + ' }' },
  'sign-up': { title: 'Finish signing up', done: 'You are signed in.', password: 'current-password', query: 'mutation ($token: String!, $password: String!) { result: completeSignUp(token: $token, password: $password) ' + tokens + ' }' },
};
const part = (id) => document.getElementById(id);
const say = (text) => { part('message').textContent = text; };
const asked = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
const show = (button, label, field) => {
  part('go').textContent = button;
  part('label').hidden = !label;
  part('name').textContent = label ?? '';
  Object.assign(part('field'), { value: '', type: 'text', required: Boolean(label) }, field);
};
const send = async (query, variables) => {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Millrace-Session': 'cookie', 'X-Millrace-CSRF': '1' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data.result;
};
let second;
if (asked && token) {
  part('title').textContent = document.title = asked.title;
  show(asked.title, asked.password && 'Password', asked.password && { type: 'password', autocomplete: asked.password });
  part('form').hidden = false;
} else say('This link is not complete: open it from the mail once more.');
part('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  part('go').disabled = true;
  say('');
  const typed = part('field').value;
  try {
    const result = second
      ? await send('mutation ($token: String!, $code: String!) { result: completeSecondFactor(token: $token, code: $code) ' + tokens + ' }', { token: second, code: typed })
      : await send(asked.query, asked.password ? { token, password: typed } : { token });
    if (result.secondFactor) {
      second = result.secondFactor.token;
      show('Go on', 'Code of your authenticator app', { autocomplete: 'one-time-code', inputMode: 'numeric' });
    } else {
      part('form').hidden = true;
      say(asked.done);
    }
  } catch (error) {
    say(error instanceof TypeError ? 'The server cannot be reached. Try again.' : error.message);
  }
  part('go').disabled = false;
});
`;

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto 0; padding: 0 1rem; }
h1 { font-size: 1.4rem; } label { display: block; margin: 0 0 1rem; }
input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; }
button { font: inherit; padding: .6rem 1.2rem; }
`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const html = Buffer.from(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Sign in</title>
<style>${style}</style>
</head>
<body>
<h1 id="title">Sign in</h1>
<form id="form" hidden>
<label id="label" hidden><span id="name"></span><input id="field" name="field"></label>
<button id="go">Go on</button>
</form>
<p id="message" role="status"><noscript>This page needs JavaScript.</noscript></p>
<script type="module">${script}</script>
</body>
</html>
`);

const headers = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Length': html.length,
  'Content-Security-Policy': [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** The page; the same for everybody. */
export const linkPageRoute: Route = {
  method: 'GET',
  path: '/auth/link',
  async handle(_request, response) {
    response.writeHead(200, headers).end(html);
  },
};

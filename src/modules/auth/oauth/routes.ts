import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from '../../../client.ts';
import { MillraceError, statusOf } from '../../../errors.ts';
import type { Route } from '../../../transport/routes.ts';
import { recordEvent } from '../audit.ts';
import { newToken } from '../challenges.ts';
import { delivered } from '../sessions/delivery.ts';
import { completeSignIn } from '../sessions/sign-in.ts';
import type { Needs } from '../users.ts';
import { FlowError } from './flow.ts';
import {
  beginFlow,
  createExchange,
  lifetimes,
  profileOfAnswer,
  type StoredFlow,
  StrayAnswer,
  takeFlow,
} from './flows.ts';
import { accountOfProfile } from './identities.ts';
import type { Profile } from './provider.ts';
import { withAnswer } from './redirects.ts';
import { reasonOf } from './refusal-reason.ts';

/** What a provider may send back; everything else in its answer is let go. */
const answers = ['code', 'state', 'iss', 'error', 'user'];

/**
 * The routes by which browsers go to a provider and come back.
 * @param needsOf what is known of whoever sends a request, who has no session here; its `db` is the pool
 */
export function oauthRoutes(needsOf: (request: IncomingMessage, response: ServerResponse) => Needs): Route[] {
  return [
    {
      method: 'GET',
      path: '/auth/:provider',
      handle: (request, response, { provider }, url) =>
        orPage(response, async () => {
          const ctx = needsOf(request, response);
          // @NOTE the one that is there is used again: several tabs may be on their way at once.
          const browser = ctx.client.cookies().flow ?? newToken();
          const { searchParams } = url;
          const target = await beginFlow(ctx, {
            provider: provider!,
            redirectTo: searchParams.get('redirectTo'),
            challenge: searchParams.get('challenge'),
            browser,
          });
          ctx.client.setCookie?.('flow', browser, lifetimes.flow);
          redirect(response, 302, target.href);
        }),
    },
    {
      method: 'GET',
      path: '/auth/:provider/callback',
      handle: (request, response, { provider }, url) =>
        orPage(response, async () => {
          const ctx = needsOf(request, response);
          redirect(response, 302, await finish(ctx, provider!, url.searchParams));
        }),
    },
    {
      method: 'POST',
      path: '/auth/:provider/callback',
      async handle(_request, response, { provider }, _url, form) {
        const kept = answers.flatMap((name) => form.getAll(name).map((value) => [name, value.slice(0, 4_096)]));
        // @NOTE answered by GET: with a form that another site posts no browser sends a cookie that is SameSite=Lax.
        redirect(response, 303, `/auth/${encodeURIComponent(provider!)}/callback?${new URLSearchParams(kept)}`);
      },
    },
  ];
}

/** What a provider's answer comes to: where the browser goes on. @throws StrayAnswer */
async function finish(ctx: Needs, provider: string, answer: URLSearchParams): Promise<string> {
  const { flow, userId } = await takeFlow(ctx, { provider, answer, browser: ctx.client.cookies().flow });
  try {
    const profile = await profileOfAnswer(ctx, flow, answer);
    if (flow.end === 'cookies') return await signInHere(ctx, flow, profile);
    return withAnswer(flow.redirectTo, { code: await createExchange(ctx, { flow, profile, userId }) });
  } catch (error) {
    const code = codeOf(error);
    const { log, db } = ctx.accounts!;
    log[code === 'server_error' ? 'error' : 'info']({ provider, reason: reasonOf(error) }, 'a sign-in was refused');
    await recordEvent(ctx, db, 'sign-in-refused', { userId, details: { method: provider, reason: code } });
    return withAnswer(flow.redirectTo, { error: code });
  }
}

/** Signs in with cookies, at a page of ours. */
async function signInHere(ctx: Needs, flow: StoredFlow, profile: Profile): Promise<string> {
  const client = Object.create(ctx.client, { wantsCookies: { value: true } }) as Client;
  const effects: (() => void)[] = [];
  const afterCommit = (effect: () => void) => void effects.push(effect);
  const method = flow.provider;
  const { secondFactor } = await ctx.db.transaction(async (db) => {
    const tx = { ...ctx, db, client, afterCommit };
    const { account, isNew } = await accountOfProfile(tx, method, profile);
    return delivered(tx, await completeSignIn(tx, account, { method, amr: ['fed'], isFirst: isNew }));
  });
  for (const effect of effects) effect();
  if (!secondFactor) return flow.redirectTo;
  return withAnswer(flow.redirectTo, { second_factor: secondFactor.token, methods: secondFactor.methods.join(' ') });
}

/** What the page is told: a word of ours, never the provider's. */
function codeOf(error: unknown): string {
  if (error instanceof FlowError) return error.reason;
  if (!(error instanceof MillraceError)) return 'server_error';
  if (error.code === 'UNAVAILABLE') return 'provider_unavailable';
  if (error.code === 'FORBIDDEN') return 'sign_up_refused';
  return error.code === 'INTERNAL' ? 'server_error' : 'sign_in_refused';
}

function redirect(response: ServerResponse, status: 302 | 303, location: string): void {
  response.writeHead(status, { Location: location, ...privately }).end();
}

const privately = { 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' };

/** Answers what goes wrong with a page: a person looks at it, whom nothing leads on. */
async function orPage(response: ServerResponse, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const status = error instanceof StrayAnswer ? 400 : statusOf[error.code];
    const { retryAfter } = error.details;
    response
      .writeHead(status, {
        ...privately,
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
        ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
      })
      .end(pageOf(error.message));
  }
}

function pageOf(message: string): string {
  const text = message.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign-in</title><p>${text}</p></html>\n`;
}

import { invalidInput } from '../../../errors.ts';
import type { Needs } from '../users.ts';

const maxLength = 2_000;

/**
 * Where a sign-in ends: a page of ours or of CORS_ORIGINS, or an address that app/accounts.ts names. A path is one of PUBLIC_URL.
 * What is led to is the address that was judged, as it came out of the parser, never the text that was sent.
 * @throws INVALID_INPUT for every other one
 */
export function readRedirect({ accounts }: Pick<Needs, 'accounts'>, given: string | null | undefined): URL {
  const { publicUrl, isOwnPage } = accounts!;
  const text = given || '/';
  const base = publicUrl();
  const url = text.length <= maxLength && URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (!url || url.username || url.password || !isOwnPage(url)) {
    throw invalidInput(
      'redirectTo',
      'expected a page of PUBLIC_URL or of CORS_ORIGINS, or an address that `redirects` of app/accounts.ts names',
    );
  }
  url.hash = '';
  return url;
}

/** Whether it is a page of this server's own origin, to which cookies speak for a session. */
export const isOurPage = ({ accounts }: Pick<Needs, 'accounts'>, url: URL): boolean =>
  url.origin === accounts!.publicUrl().origin;

/**
 * The address with something added for the page alone. On the web it stands in the fragment, which is sent to no server, and
 * stands in no log and no `Referer` (RFC 9700, section 4.2); applications with a scheme of their own read the query.
 */
export function withAnswer(redirectTo: string, answer: Readonly<Record<string, string>>): string {
  const url = new URL(redirectTo);
  if (/^https?:$/.test(url.protocol)) url.hash = new URLSearchParams(answer).toString();
  else for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  return url.href;
}

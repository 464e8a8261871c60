import { createHash, randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';

/** What a browser does of a sign-in: it follows addresses one by one, and keeps cookies. */
export interface SignInBrowser {
  cookies: Map<string, string>;
  /** The `Set-Cookie` headers of the last answer. */
  setCookies: string[];
  /** Goes to an address without going on from there. */
  visit(url: string, init?: RequestInit): Promise<Response>;
}

/** Opens a browser without cookies. */
export function openBrowser(): SignInBrowser {
  const cookies = new Map<string, string>();
  const browser: SignInBrowser = {
    cookies,
    setCookies: [],
    async visit(url, init = {}) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { ...(cookie && { cookie }), ...init.headers };
      const response = await fetch(url, { ...init, redirect: 'manual', headers });
      browser.setCookies = response.headers.getSetCookie();
      for (const line of browser.setCookies) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        if (value === '' || /;\s*max-age=0/i.test(line)) cookies.delete(name!);
        else cookies.set(name!, value!);
      }
      return response;
    },
  };
  return browser;
}

/** A verifier of a program, and its challenge. */
export function makeVerifier(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** What stands in an address's fragment. */
export const fragmentOf = (url: string | null): URLSearchParams => new URLSearchParams(new URL(url!).hash.slice(1));

/** A port that nobody listens on: of a server whose own address is said before it is started. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

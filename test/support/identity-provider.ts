import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** What a provider knows of somebody. */
export type Person = { sub: string; [claim: string]: unknown };

/** What a provider does that a correct one never does; each is undone by `provider.behave()`. */
export interface Faults {
  metadata?: (metadata: Record<string, unknown>) => unknown;
  claims?: (claims: JWTPayload) => JWTPayload;
  /** Signs the ID token in the place of the provider's key. */
  sign?: (claims: JWTPayload, keys: { privateKey: CryptoKey; kid: string }) => Promise<string> | string;
  /** What the token endpoint says, in the end. */
  tokens?: (tokens: Record<string, unknown>) => unknown;
  userinfo?: (claims: Record<string, unknown>) => unknown;
  /** Answers in the place of the provider; false leaves it to it. */
  answer?: (path: string, request: IncomingMessage, response: ServerResponse) => boolean;
}

/** An OpenID Connect provider whose every word a test can bend; as long as nobody does, it is a correct one. */
export interface IdentityProvider extends AsyncDisposable {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Requests that it has had, as `POST /token`. */
  requests: string[];
  misbehave(faults: Faults): void;
  behave(): void;
  /** Signs a person in, as its pages would: what the browser is sent back with. */
  signIn(authorizationUrl: string, person: Person): { url: string; answer: URLSearchParams };
}

interface Grant {
  person: Person;
  challenge: string | null;
  nonce: string | null;
  redirectUri: string;
}

/** Starts one, on this machine, without TLS. */
export async function startIdentityProvider(): Promise<IdentityProvider> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const kid = 'key-1';
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] };
  const [clientId, clientSecret] = ['millrace-client', 'a-secret-of-the-client-0123456789abcdef'];
  const grants = new Map<string, Grant>();
  const tokens = new Map<string, Person>();
  const requests: string[] = [];
  let faults: Faults = {};
  let issuer = '';

  const tokenAnswer = async (request: IncomingMessage, body: URLSearchParams): Promise<[number, unknown]> => {
    const given = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
    const byHeader = given.split(':').map(decodeURIComponent).join(':');
    const byBody = `${body.get('client_id')}:${body.get('client_secret')}`;
    if (![byHeader, byBody].includes(`${clientId}:${clientSecret}`)) return [401, { error: 'invalid_client' }];
    const grant = grants.get(body.get('code') ?? '');
    grants.delete(body.get('code') ?? '');
    const verifier = body.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (!grant || grant.challenge !== challenge || grant.redirectUri !== body.get('redirect_uri'))
      return [400, { error: 'invalid_grant' }];
    const now = Math.floor(Date.now() / 1_000);
    const own = { iss: issuer, aud: clientId, iat: now, exp: now + 300, ...(grant.nonce && { nonce: grant.nonce }) };
    const claims = faults.claims?.({ ...grant.person, ...own }) ?? { ...grant.person, ...own };
    const idToken = faults.sign
      ? await faults.sign(claims, { privateKey, kid })
      : await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
    const accessToken = randomUUID();
    tokens.set(accessToken, grant.person);
    const said = { access_token: accessToken, token_type: 'Bearer', expires_in: 300, id_token: idToken };
    return [200, faults.tokens?.(said) ?? said];
  };

  const server = createServer(async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]!;
    requests.push(`${request.method} ${path}`);
    if (faults.answer?.(path, request, response)) return;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (path === '/.well-known/openid-configuration') {
      const metadata = {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        userinfo_endpoint: `${issuer}/userinfo`,
        jwks_uri: `${issuer}/jwks`,
        id_token_signing_alg_values_supported: ['ES256'],
        authorization_response_iss_parameter_supported: true,
      };
      return send(200, faults.metadata?.(metadata) ?? metadata);
    }
    if (path === '/jwks') return send(200, jwks);
    if (path === '/token')
      return send(...(await tokenAnswer(request, new URLSearchParams(String(Buffer.concat(chunks))))));
    const person = tokens.get(request.headers.authorization?.replace('Bearer ', '') ?? '');
    if (path === '/userinfo' && person) return send(200, faults.userinfo?.(person) ?? person);
    send(404, { error: 'not_found' });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://localhost:${(server.address() as AddressInfo).port}`;

  return {
    issuer,
    clientId,
    clientSecret,
    requests,
    misbehave(given) {
      faults = given;
    },
    behave() {
      faults = {};
    },
    signIn(authorizationUrl, person) {
      const asked = new URL(authorizationUrl).searchParams;
      const code = randomUUID();
      const redirectUri = asked.get('redirect_uri')!;
      grants.set(code, { person, challenge: asked.get('code_challenge'), nonce: asked.get('nonce'), redirectUri });
      const answer = new URLSearchParams({ code, state: asked.get('state')!, iss: issuer });
      return { url: `${redirectUri}?${answer}`, answer };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

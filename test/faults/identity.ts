import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** An issuer of tokens that the nodes trust by its published keys. */
export interface Issuer extends AsyncDisposable {
  jwksUrl: string;
  mint(claims: { sub?: string; role?: string }): Promise<string>;
}

/** Makes a key and publishes its public half on this machine. */
export async function openIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const header = { alg: 'ES256', kid: 'faults' };
  const body = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), ...header, use: 'sig' }] });
  const server = createServer((_, response) => void response.setHeader('content-type', 'application/json').end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    mint: (claims) =>
      new SignJWT(claims).setProtectedHeader(header).setIssuedAt().setExpirationTime('3h').sign(privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

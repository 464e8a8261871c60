import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

/** A certified OpenID Connect provider with pages of its own; whoever signs in there as `ada` is ada@example.com. */
export interface RealProvider extends AsyncDisposable {
  issuer: string;
  clientId: string;
  clientSecret: string;
}

/** Starts one, on this machine, for a client that may be sent back to these addresses. */
export async function startRealProvider(isRedirectUri: (uri: string) => boolean): Promise<RealProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const [clientId, clientSecret] = ['millrace', 'the-real-secret-0123456789'];
  const minutes = 10 * 60;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: ['https://set-below.example'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id }),
    }),
    cookies: { keys: ['a key of the provider'] },
    ttl: { Interaction: minutes, Session: minutes, Grant: minutes, AccessToken: minutes, IdToken: minutes },
  });
  // The client's server is started after this one, which knows the provider's address: so its own is not known yet.
  provider.Client.prototype.redirectUriAllowed = isRedirectUri;
  server.on('request', provider.callback());
  return {
    issuer,
    clientId,
    clientSecret,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

import { join } from 'node:path';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { StartupError } from '../errors.ts';
import { openKeyFile } from './key-file.ts';

/** The algorithm of every token that this server signs. */
// @NOTE not EdDSA: Node 20 still prints a warning that its web crypto for Ed25519 is an experiment.
export const signingAlgorithm = 'ES256';

/** What a signing key's tokens are verified by; `publicJwk` is what others are told. */
export interface VerifyingKey {
  /** The RFC 7638 thumbprint. */
  kid: string;
  publicKey: CryptoKey;
  publicJwk: JWK;
}

/** A key that signs this server's tokens. */
export interface SigningKey extends VerifyingKey {
  privateKey: CryptoKey;
}

/** The signing key kept in `directory`, made when there is none; of two that make it at once, both get the first. */
export async function openSigningKey(directory: string): Promise<SigningKey> {
  const text = await openKeyFile('The signing key', directory, 'signing.json', async () =>
    JSON.stringify(await createPrivateJwk()),
  );
  try {
    return await readSigningKey(JSON.parse(text) as JWK);
  } catch (error) {
    throw new StartupError(
      `The signing key ${join(directory, 'signing.json')} is damaged.`,
      'Put it back from a backup, or delete it: a new one is made, and tokens signed by the old one end.',
      { cause: error },
    );
  }
}

/** A new private key, as RFC 7517 writes it. */
export async function createPrivateJwk(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
  return exportJWK(privateKey);
}

/** The key of a private JWK. @throws when it is none */
export async function readSigningKey({ d, ...rest }: JWK): Promise<SigningKey> {
  if (!d) throw new Error('It holds no private key.');
  const key = await readVerifyingKey(rest);
  const { kty, crv, x, y } = key.publicJwk;
  return { ...key, privateKey: (await importJWK({ kty, crv, x, y, d } as JWK, signingAlgorithm)) as CryptoKey };
}

/** The key of a public JWK, of which nothing but the key itself is believed. @throws when it is none */
export async function readVerifyingKey({ kty, crv, x, y }: JWK): Promise<VerifyingKey> {
  const jwk = { kty, crv, x, y } as JWK;
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    publicKey: (await importJWK(jwk, signingAlgorithm)) as CryptoKey,
    publicJwk: { ...jwk, kid, alg: signingAlgorithm, use: 'sig' },
  };
}

import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { StartupError } from '../errors.ts';

/** The algorithm of every token that this server signs. */
// @NOTE not EdDSA: Node 20 still prints a warning that its web crypto for Ed25519 is an experiment.
export const signingAlgorithm = 'ES256';

/** The key that signs this server's tokens; `publicJwk` is what others verify them by. */
export interface SigningKey {
  /** The RFC 7638 thumbprint. */
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  publicJwk: JWK;
}

/** The signing key kept in `directory`, made when there is none; of two that make it at once, both get the first. */
export async function openSigningKey(directory: string): Promise<SigningKey> {
  const path = join(directory, 'signing.json');
  try {
    const text = (await readIfThere(path)) ?? (await createKeyFile(directory, path));
    return await parseKey(path, text);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const { message } = error as Error;
    throw new StartupError(
      `The signing key ${path} cannot be read or made: ${message}`,
      'Let this user read and write that directory, or set MILLRACE_DIR to another one.',
      { cause: error },
    );
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function createKeyFile(directory: string, path: string): Promise<string> {
  // @NOTE the parent is made openly: others' data lives beside ours, and an embedded PostgreSQL may run as another user.
  await mkdir(dirname(directory), { recursive: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
  const draft = join(directory, `.${randomUUID()}.tmp`);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(await exportJWK(privateKey))}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // @NOTE link, not rename: it fails where the name is taken, so a key that another start has shown is never replaced.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, 'utf8');
}

async function parseKey(path: string, text: string): Promise<SigningKey> {
  try {
    const { kty, crv, x, y, d } = JSON.parse(text) as JWK;
    if (!d) throw new Error('It holds no private key.');
    const publicJwk = { kty, crv, x, y } as JWK;
    const kid = await calculateJwkThumbprint(publicJwk);
    return {
      kid,
      privateKey: (await importJWK({ ...publicJwk, d }, signingAlgorithm)) as CryptoKey,
      publicKey: (await importJWK(publicJwk, signingAlgorithm)) as CryptoKey,
      publicJwk: { ...publicJwk, kid, alg: signingAlgorithm, use: 'sig' },
    };
  } catch (error) {
    throw new StartupError(
      `The signing key ${path} is damaged.`,
      'Put it back from a backup, or delete it: a new one is made, and tokens signed by the old one end.',
      { cause: error },
    );
  }
}

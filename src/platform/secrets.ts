/**
 * The master secret, and what is made of it: keys for sealing, for codes of authentication, and for others, each of its own
 * purpose. What was made for one purpose means nothing for another.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { SecretsConfig } from '../config/config.ts';
import { StartupError } from '../errors.ts';
import { openKeyFile } from './key-file.ts';

/** What an installation's secret can do; every node that has the same secret does the same. */
export interface Secrets {
  /** Encrypts (AES-256-GCM, NIST SP 800-38D); every time to another text, of letters, digits, `-`, `_` and `.`. */
  seal(purpose: string, content: string | Uint8Array): string;
  /** What was sealed for this purpose; undefined for anything else, however it was changed. */
  open(purpose: string, sealed: string): Buffer | undefined;
  /** A code of authentication (HMAC-SHA256) of 32 bytes, the same for the same text. */
  mac(purpose: string, text: string): Buffer;
  /** A key of 32 bytes for something else. */
  derive(purpose: string): Buffer;
}

const version = 'v1.';
const lengths = { secret: 32, key: 32, nonce: 12, tag: 16 };
/** Purposes are ours and few; their keys are kept. */
const rememberedKeys = 100;

/** Opens AUTH_SECRET, or the secret that is kept in `directory`, which is made when there is none. */
export async function openSecrets({ secret, directory }: SecretsConfig): Promise<Secrets> {
  return createSecrets(secret === undefined ? await openSecretFile(directory) : Buffer.from(secret));
}

async function openSecretFile(directory: string): Promise<Buffer> {
  const text = await openKeyFile('The secret', directory, 'secret', async () =>
    randomBytes(lengths.secret).toString('base64url'),
  );
  const secret = Buffer.from(text.trim(), 'base64url');
  if (secret.length === lengths.secret && secret.toString('base64url') === text.trim()) return secret;
  throw new StartupError(
    `The secret ${join(directory, 'secret')} is damaged.`,
    'Put it back from a backup, or delete it: a new one is made, everybody has to sign in again, and second factors by app have to be set up again.',
  );
}

function createSecrets(master: Buffer): Secrets {
  const keys = new LRUCache<string, Buffer>({ max: rememberedKeys });
  // RFC 5869; `info` separates what keys are for, so a purpose's sealing key is never its code's.
  const keyFor = (use: string, purpose: string): Buffer => {
    const info = `millrace ${use} ${purpose}`;
    const key = keys.get(info) ?? Buffer.from(hkdfSync('sha256', master, '', info, lengths.key));
    keys.set(info, key);
    return key;
  };
  return {
    seal(purpose, content) {
      const nonce = randomBytes(lengths.nonce);
      const cipher = createCipheriv('aes-256-gcm', keyFor('seal', purpose), nonce);
      const sealed = [nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()];
      return version + Buffer.concat(sealed).toString('base64url');
    },
    open(purpose, sealed) {
      if (!sealed.startsWith(version)) return undefined;
      const bytes = Buffer.from(sealed.slice(version.length), 'base64url');
      if (bytes.length < lengths.nonce + lengths.tag) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', keyFor('seal', purpose), bytes.subarray(0, lengths.nonce), {
        authTagLength: lengths.tag,
      });
      decipher.setAuthTag(bytes.subarray(-lengths.tag));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(lengths.nonce, -lengths.tag)), decipher.final()]);
      } catch {
        return undefined;
      }
    },
    mac: (purpose, text) => createHmac('sha256', keyFor('mac', purpose)).update(text).digest(),
    derive: (purpose) => Buffer.from(keyFor('derive', purpose)),
  };
}

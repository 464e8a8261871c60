import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import type { LogPosition } from './entry.ts';

/** Makes cursors of places in the log, and places of cursors. */
export interface CursorSeal {
  /** A text that only this installation can read: it tells nobody how much has happened. */
  seal(position: LogPosition): string;
  /** The place that a cursor means; undefined when it was not sealed here. */
  open(cursor: string): LogPosition | undefined;
}

const nonceLength = 12;
const tagLength = 16;

/**
 * Seals with AES-256-GCM (NIST SP 800-38D) under keys made of the secret. The nonce is made of what is sealed, as in RFC 5297:
 * one place has one cursor, and no nonce ever stands for two.
 */
export function createCursorSeal(secret: string): CursorSeal {
  const keyFor = (purpose: string) => createHmac('sha256', secret).update(`millrace cursor ${purpose}`).digest();
  const [key, nonceKey] = [keyFor('body'), keyFor('nonce')];
  return {
    seal({ epoch, seq }) {
      const text = `${seq}:${epoch}`;
      const nonce = createHmac('sha256', nonceKey).update(text).digest().subarray(0, nonceLength);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = cipher.update(text, 'utf8');
      return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()]).toString('base64url');
    },
    open(cursor) {
      const bytes = Buffer.from(cursor, 'base64url');
      if (bytes.length <= nonceLength + tagLength || bytes.length > 200) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceLength), {
        authTagLength: tagLength,
      });
      decipher.setAuthTag(bytes.subarray(-tagLength));
      try {
        const body = decipher.update(bytes.subarray(nonceLength, -tagLength));
        const [, seq, epoch] = /^(\d+):(.*)$/.exec(Buffer.concat([body, decipher.final()]).toString('utf8')) ?? [];
        return seq === undefined || epoch === undefined ? undefined : { seq: Number(seq), epoch };
      } catch {
        return undefined;
      }
    },
  };
}

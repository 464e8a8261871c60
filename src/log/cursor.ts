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
/** Of a cursor's bytes: a snapshot names every transaction that was under way. */
const longest = 20_000;

/**
 * Seals with AES-256-GCM (NIST SP 800-38D) under keys made of the secret. The nonce is made of what is sealed, as in RFC 5297:
 * one place has one cursor, and no nonce ever stands for two.
 */
export function createCursorSeal(secret: string): CursorSeal {
  const keyFor = (purpose: string) => createHmac('sha256', secret).update(`millrace cursor ${purpose}`).digest();
  const [key, nonceKey] = [keyFor('body'), keyFor('nonce')];
  return {
    seal({ epoch, seq, snapshot = '' }) {
      const text = `${seq}/${snapshot}/${epoch}`;
      const nonce = createHmac('sha256', nonceKey).update(text).digest().subarray(0, nonceLength);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = cipher.update(text, 'utf8');
      return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()]).toString('base64url');
    },
    open(cursor) {
      const bytes = Buffer.from(cursor, 'base64url');
      if (bytes.length <= nonceLength + tagLength || bytes.length > longest) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceLength), {
        authTagLength: tagLength,
      });
      decipher.setAuthTag(bytes.subarray(-tagLength));
      try {
        const body = decipher.update(bytes.subarray(nonceLength, -tagLength));
        return placeIn(Buffer.concat([body, decipher.final()]).toString('utf8'));
      } catch {
        return undefined;
      }
    },
  };
}

/** Reads a place that is written as seq, snapshot and epoch with slashes between; undefined when it is none. */
export function placeIn(text: string): LogPosition | undefined {
  const [, seq, snapshot, epoch] = /^(\d+)\/([\d:,]*)\/(.*)$/.exec(text) ?? [];
  if (seq === undefined || epoch === undefined) return undefined;
  return { seq: Number(seq), epoch, ...(snapshot ? { snapshot } : {}) };
}

/** Whether a snapshot sees a transaction (PostgreSQL's documentation, "Transaction ID and Snapshot Information Functions"). */
export function snapshotSees(snapshot: string): (transaction: string) => boolean {
  const [least = '0', next = '0', underWay = ''] = snapshot.split(':');
  const [first, end] = [BigInt(least), BigInt(next)];
  const open = new Set(underWay.split(','));
  return (transaction) => {
    const id = BigInt(transaction);
    return id < first || (id < end && !open.has(transaction));
  };
}

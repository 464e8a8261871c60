/**
 * Keys that programs send in the place of a token: `mrk_<prefix>_<secret>`. The prefix finds the key, is shown in lists and may be
 * known; of the secret, 256 bits drawn at random, only a hash is kept. What a key may do is what its owner may, within its scopes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { customAlphabet } from 'nanoid';
import { v7 } from 'uuid';
import { isScope } from '../../../data/rules/scopes.ts';
import { invalidInput, MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { secondFactorsOf } from '../sessions/sign-in.ts';
import { findAccount, type Needs } from '../users.ts';
import { requireFresh } from '../viewers.ts';

/** A key that was just made, shown this once. */
export interface CreatedApiKey {
  id: string;
  /** The key itself. */
  secret: string;
  name: string;
  prefix: string;
  scopes: readonly string[];
  expiresAt: Date | null;
}

/** A key that is wanted. */
export interface NewApiKey {
  name: string;
  scopes: readonly string[];
  expiresAt?: Date | null;
  serviceAccountId?: string | null;
}

const most = { keys: 100, scopes: 50, name: 100 };

const drawPrefix = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 12);

/** What is kept of a key's secret. @NOTE quick: of 256 random bits nothing is to be guessed. */
export const hashOfSecret = (secret: string): Buffer => createHash('sha256').update(`api-key\0${secret}`).digest();

/** A key that was sent, in its parts; undefined where it is none. */
export function readApiKey(text: string): { prefix: string; secret: string } | undefined {
  const [, prefix, secret] = /^mrk_([0-9a-z]{12})_([\w-]{43})$/.exec(text) ?? [];
  return prefix === undefined || secret === undefined ? undefined : { prefix, secret };
}

/** Makes a key for the viewer, or by an administrator for a program. @throws FORBIDDEN for more than whoever asks has themselves */
export async function createApiKey(ctx: Needs, wanted: NewApiKey): Promise<CreatedApiKey> {
  const { db, viewer } = ctx;
  // @NOTE a key that has got into wrong hands would have heirs, which outlive it.
  if (viewer.apiKeyPrefix !== undefined) throw new MillraceError('FORBIDDEN', 'a key makes no other keys');
  const userId = await ownerOf(ctx, wanted.serviceAccountId ?? undefined);
  const name = checkName(wanted.name);
  const scopes = checkScopes(ctx, wanted.scopes);
  const expiresAt = checkExpiry(wanted.expiresAt ?? null);
  // @NOTE the owner's row is locked, so that many at once do not come to more than there may be.
  await db.query({ text: 'select 1 from auth_accounts where user_id = $1 for no key update', values: [userId] });
  const [count] = await db.query({ text: 'select count(*) from auth_api_keys where user_id = $1', values: [userId] });
  if (Number(count![0]) >= most.keys) throw new MillraceError('CONFLICT', `there are ${most.keys} keys already`);
  const id = v7();
  const prefix = drawPrefix();
  const secret = randomBytes(32).toString('base64url');
  await db.query({
    text: 'insert into auth_api_keys (id, user_id, name, prefix, scopes, expires_at) values ($1, $2, $3, $4, $5, $6)',
    values: [id, userId, name, prefix, scopes, expiresAt],
  });
  await db.query({
    text: 'insert into millrace.auth_api_keys (id, hash) values ($1, $2)',
    values: [id, hashOfSecret(secret)],
  });
  await recordEvent(ctx, db, 'api-key-created', { userId, details: { prefix, scopes } });
  return { id, secret: `mrk_${prefix}_${secret}`, name, prefix, scopes, expiresAt };
}

/** Ends a key of the viewer's, or by an administrator anybody's, everywhere. @throws NOT_FOUND also for keys of others */
export async function revokeApiKey(ctx: Needs, id: string): Promise<void> {
  const { db, viewer } = ctx;
  if (viewer.session?.impersonatorId !== undefined) throw asOneself();
  const rows = await db.query({
    text: 'delete from auth_api_keys where id::text = $1 and (user_id = $2 or $3) returning user_id, prefix',
    values: [id, viewer.id ?? null, viewer.isAdmin],
  });
  const [userId, prefix] = (rows[0] ?? []) as string[];
  if (userId === undefined) throw new MillraceError('NOT_FOUND', 'there is no such key');
  await recordEvent(ctx, db, 'api-key-revoked', { userId, details: { prefix } });
}

async function ownerOf(ctx: Needs, serviceAccountId: string | undefined): Promise<string> {
  const { viewer, db } = ctx;
  if (viewer.session) await requireFresh(ctx, (userId) => secondFactorsOf(ctx, userId));
  const account = await findAccount(db, serviceAccountId ?? viewer.id ?? '');
  if (serviceAccountId !== undefined) {
    if (!viewer.isAdmin) throw new MillraceError('FORBIDDEN', 'only administrators make keys for programs');
    if (account?.kind !== 'service') throw new MillraceError('NOT_FOUND', 'there is no such program');
    return account.userId;
  }
  if (!account || viewer.session === undefined || account.kind === 'guest')
    throw new MillraceError('FORBIDDEN', 'keys are for those who have an account and are no guests');
  return account.userId;
}

function checkName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > most.name) throw invalidInput('name', `1 to ${most.name} characters`);
  return trimmed;
}

function checkScopes({ viewer, accounts }: Needs, wanted: readonly string[]): string[] {
  const scopes = [...new Set(wanted)];
  if (scopes.length === 0 || scopes.length > most.scopes) throw invalidInput('scopes', `1 to ${most.scopes} scopes`);
  const wrong = scopes.find((scope) => !isScope(scope, accounts!.plan.models));
  if (wrong !== undefined) throw invalidInput('scopes', `${JSON.stringify(wrong.slice(0, 100))} is no scope`);
  if (scopes.includes('admin') && !viewer.isAdmin)
    throw new MillraceError('FORBIDDEN', 'only administrators make keys with the scope admin');
  return scopes;
}

function checkExpiry(wanted: Date | null): Date | null {
  if (wanted && !(wanted.getTime() > Date.now())) throw invalidInput('expiresAt', 'must lie ahead');
  return wanted;
}

const asOneself = () => new MillraceError('FORBIDDEN', 'not while acting as somebody else');

/**
 * Devices: things that sign in by a key of their own, which never leaves them. What they send is a short-lived statement signed by
 * it (a JWT, as RFC 7523 has it), good for one sign-in.
 */
import { createHash } from 'node:crypto';
import { decodeJwt, importJWK, type JWK, jwtVerify } from 'jose';
import { v7 } from 'uuid';
import { invalidInput, MillraceError } from '../../../errors.ts';
import type { Queryable } from '../../../platform/db.ts';
import { recordEvent } from '../audit.ts';
import { limits } from '../limits.ts';
import { signInRefused } from '../refusals.ts';
import { completeSignIn, type SignInResult, secondFactorsOf } from '../sessions/sign-in.ts';
import { findAccount, type Needs } from '../users.ts';
import { requireFresh, requireSession } from '../viewers.ts';

const most = { devices: 50, name: 100, assertion: 2000, seconds: 60 };
/** Seconds by which clocks may differ. */
const tolerance = 5;

/** Registers the public key of a device of the viewer's; resolves to its id. @throws INVALID_INPUT for other keys than ES256 and Ed25519 */
export async function registerDevice(ctx: Needs, name: string, publicKey: unknown): Promise<string> {
  const { id: userId } = await requireFresh(ctx, (user) => secondFactorsOf(ctx, user));
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > most.name) throw invalidInput('name', `1 to ${most.name} characters`);
  const key = await readPublicKey(publicKey);
  // @NOTE the owner's row is locked, so that many at once do not come to more than there may be.
  await ctx.db.query({ text: 'select 1 from auth_accounts where user_id = $1 for no key update', values: [userId] });
  const [count] = await ctx.db.query({
    text: 'select count(*) from auth_devices where user_id = $1',
    values: [userId],
  });
  if (Number(count![0]) >= most.devices)
    throw new MillraceError('CONFLICT', `there are ${most.devices} devices already`);
  const id = v7();
  await ctx.db.query({
    text: 'insert into auth_devices (id, user_id, name, public_key) values ($1, $2, $3, $4)',
    values: [id, userId, trimmed, JSON.stringify(key)],
  });
  await recordEvent(ctx, ctx.db, 'device-registered', { userId, details: { device: id } });
  return id;
}

/** Forgets a device of the viewer's and ends its sessions. @throws NOT_FOUND also for those of others */
export async function removeDevice(ctx: Needs, id: string): Promise<void> {
  const { id: userId } = requireSession(ctx);
  const rows = await ctx.db.query({
    text: 'delete from auth_devices where id::text = $1 and user_id = $2 returning id',
    values: [id, userId],
  });
  if (rows.length === 0) throw new MillraceError('NOT_FOUND', 'there is no such device');
  await recordEvent(ctx, ctx.db, 'device-removed', { userId, details: { device: id } });
}

/** Signs in by what a device has signed. @throws UNAUTHENTICATED in the same words whatever is wrong with it */
export async function signInDevice(ctx: Needs, assertion: string): Promise<SignInResult> {
  const accounts = ctx.accounts!;
  const address = accounts.publicUrl();
  await accounts.limits.take(limits.devices, ctx.client.network);
  const device = await deviceOf(ctx.db, assertion);
  const jti = device && (await verified(assertion, device, [address.origin, address.href]));
  if (!device || jti === undefined || !(await takeOnce(ctx.db, `device ${device.id} ${jti}`))) throw signInRefused();
  const account = await findAccount(ctx.db, device.userId);
  if (!account) throw signInRefused();
  await ctx.db.query({ text: 'update auth_devices set last_used_at = now() where id = $1', values: [device.id] });
  return completeSignIn(ctx, account, { method: 'device', amr: ['hwk'], needsNoSecond: true, deviceId: device.id });
}

interface Device {
  id: string;
  userId: string;
  key: JWK;
}

/** The device that a statement says it is of, which is believed no further than to find the key. */
async function deviceOf(db: Queryable, assertion: string): Promise<Device | undefined> {
  if (assertion.length > most.assertion) return undefined;
  let issuer: unknown;
  try {
    issuer = decodeJwt(assertion).iss;
  } catch {
    return undefined;
  }
  if (typeof issuer !== 'string' || !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(issuer)) return undefined;
  const [row] = await db.query({
    text: 'select id::text, user_id, public_key from auth_devices where id = $1',
    values: [issuer],
  });
  return row && { id: row[0] as string, userId: row[1] as string, key: row[2] as JWK };
}

/** The `jti` of a statement that is good; undefined for any other. */
async function verified(assertion: string, { id, key }: Device, audience: string[]): Promise<string | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(assertion, await importJWK(key, algorithmOf(key)), {
      algorithms: [algorithmOf(key)],
      typ: 'device+jwt',
      issuer: id,
      subject: id,
      audience,
      requiredClaims: ['iat', 'exp', 'jti'],
      maxTokenAge: most.seconds,
      clockTolerance: tolerance,
    });
    const { jti, exp, iat, aud } = payload;
    if (protectedHeader.crit || typeof aud !== 'string' || exp! - iat! > most.seconds) return undefined;
    return typeof jti === 'string' && jti.length >= 16 && jti.length <= 100 ? jti : undefined;
  } catch {
    return undefined;
  }
}

/** Takes a name once, until nobody could use it any more; false when it was taken. @NOTE whoever takes it at the same time waits. */
async function takeOnce(db: Queryable, name: string): Promise<boolean> {
  const rows = await db.query({
    text: `insert into millrace.auth_used_tokens (id, expires_at) values ($1, now() + make_interval(secs => $2))
      on conflict do nothing returning id`,
    values: [createHash('sha256').update(name).digest('base64url'), 2 * (most.seconds + tolerance)],
  });
  return rows.length > 0;
}

const algorithmOf = ({ kty }: JWK): string => (kty === 'OKP' ? 'EdDSA' : 'ES256');

/** The public part of a key alone, whatever else was sent with it. */
async function readPublicKey(given: unknown): Promise<JWK> {
  const refusal = invalidInput('publicKey', 'a public JWK: of kty EC and crv P-256, or of kty OKP and crv Ed25519');
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw refusal;
  const { kty, crv, x, y, d } = given as Record<string, unknown>;
  if (d !== undefined) throw invalidInput('publicKey', 'this is the private key: it never leaves the device');
  const isShort = (part: unknown): part is string => typeof part === 'string' && /^[\w-]{43}$/.test(part);
  const key: JWK | undefined =
    kty === 'EC' && crv === 'P-256' && isShort(x) && isShort(y)
      ? { kty, crv, x, y }
      : kty === 'OKP' && crv === 'Ed25519' && isShort(x)
        ? { kty, crv, x }
        : undefined;
  if (!key) throw refusal;
  try {
    await importJWK(key, algorithmOf(key));
  } catch {
    throw refusal;
  }
  return key;
}

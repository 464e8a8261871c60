/**
 * Passkeys of accounts: made, used, named and removed. Whoever uses one has it and has unlocked it, which are two factors; so it
 * signs in by itself, and is the second factor of every other way.
 *
 * A challenge says what it was asked for: of which account, in which session. It is taken by the pool, not by the operation's
 * transaction, before anything else is looked at: whatever comes of it, it is not answered twice.
 */
import { createHash } from 'node:crypto';
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server';
import { invalidInput, MillraceError } from '../../../errors.ts';
import { recordEvent } from '../audit.ts';
import { createChallenge, endChallenges, newToken, peekChallenge, takeChallenge } from '../challenges.ts';
import {
  dropIdleCodes,
  firstRecoveryCodes,
  raiseSession,
  requireFactorChange,
  requireWayIn,
  tellChange,
} from '../factors/factor-changes.ts';
import { limits } from '../limits.ts';
import { signInRefused } from '../refusals.ts';
import { completeSignIn, type SignInResult } from '../sessions/sign-in.ts';
import { findAccount, type Needs } from '../users.ts';
import { requireSession } from '../viewers.ts';
import { creationOptions, requestOptions, verifyAssertion, verifyRegistration } from './ceremonies.ts';
import {
  credentialsOf,
  findCredential,
  maxPasskeys,
  moveCounter,
  type PasskeyRow,
  removeCredential,
  renameCredential,
  storeCredential,
} from './credentials.ts';
import { type RelyingParty, relyingPartyOf } from './relying-party.ts';
import { readAssertion, readRegistration } from './responses.ts';

/** What a passkey is asked for. */
export type PasskeyUse =
  | { for: 'sign-in' }
  /** `holder` is the token of the sign-in that waits, or the session: nobody else can use what it was asked for. */
  | { for: 'second-factor' | 'reauthentication'; userId: string; holder: string };

/** A passkey that was used. */
export interface ShownPasskey {
  userId: string;
  /** RFC 8176. */
  amr: readonly string[];
}

/** Seconds, as browsers wait. */
const patience = 300;

/** Begins to make a passkey; resolves to what `navigator.credentials.create` is given. */
export async function startRegistration(ctx: Needs): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const party = partyOf(ctx);
  const { id: userId, session } = await requireFactorChange(ctx);
  const has = await credentialsOf(ctx.db, userId);
  if (has.length >= maxPasskeys) throw tooMany();
  const account = await findAccount(ctx.db, userId);
  // The newest is the only one that is good, so nobody piles them up.
  await endChallenges(ctx.db, userId, ['passkey-registration']);
  const data = { session: session.id };
  const token = newToken();
  await createChallenge(ctx.db, { kind: 'passkey-registration', userId, data, lifetime: patience, token });
  return creationOptions(party, { userId, name: account?.email ?? userId, has }, token);
}

/** A passkey that was made, and the first recovery codes of an account that has a second factor by it. */
export interface MadePasskey extends PasskeyRow {
  recoveryCodes: readonly string[];
}

/** Keeps a passkey that was made. @throws INVALID_INPUT in one sentence, whatever is wrong with it */
export async function finishRegistration(
  ctx: Needs,
  { response, name }: { response: unknown; name: string },
): Promise<MadePasskey> {
  const called = checkName(name);
  const { id: userId, session } = requireSession(ctx);
  const read = readRegistration(response);
  const challenge = read && (await takeChallenge(ctx.accounts!.db, 'passkey-registration', read.said.challenge));
  if (!challenge || challenge.userId !== userId || challenge.data.session !== session.id) throw notMade();
  const made = await verifyRegistration(partyOf(ctx), read, read.said.challenge);
  if (!made) throw notMade();
  const viewer = await requireFactorChange(ctx);
  if ((await credentialsOf(ctx.db, userId)).length >= maxPasskeys) throw tooMany();
  const row = await storeCredential(ctx.db, userId, called, made);
  if (!row) throw notMade();
  await raiseSession(ctx, viewer, { amr: amrOf(made), assurance: 2 });
  await tellChange(ctx, userId, 'passkey-added', { passkey: row.id });
  return { ...row, recoveryCodes: await firstRecoveryCodes(ctx, userId) };
}

/** Begins to use a passkey; resolves to what `navigator.credentials.get` is given. */
export async function startPasskey(
  ctx: Needs,
  asked: { secondFactorToken?: string; reauthenticate: boolean },
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const party = partyOf(ctx);
  const { limits: counted, db } = ctx.accounts!;
  await counted.take(limits.passkeyStarts, ctx.client.network);
  const use = await useOf(ctx, asked);
  const token = newToken();
  const isBound = use.for !== 'sign-in';
  // @NOTE in the operation's transaction: by the pool, the foreign key would wait for what the operation itself has done to the account.
  await createChallenge(ctx.db, {
    kind: 'passkey-sign-in',
    ...(isBound && { userId: use.userId }),
    data: { for: use.for, ...(isBound && { holder: use.holder }) },
    lifetime: patience,
    token,
  });
  return requestOptions(party, isBound ? await credentialsOf(db, use.userId) : undefined, token);
}

async function useOf(
  ctx: Needs,
  { secondFactorToken, reauthenticate }: { secondFactorToken?: string; reauthenticate: boolean },
): Promise<PasskeyUse> {
  if (secondFactorToken !== undefined) {
    const pending = await peekChallenge(ctx.accounts!.db, 'second-factor', secondFactorToken);
    if (pending?.userId === undefined) throw signInRefused();
    return { for: 'second-factor', userId: pending.userId, holder: holderOf(secondFactorToken) };
  }
  if (!reauthenticate) return { for: 'sign-in' };
  const { id, session } = requireSession(ctx);
  return { for: 'reauthentication', userId: id, holder: session.id };
}

/** What is kept of a token that a passkey is asked for: it is known again by it, and cannot be used. */
export const holderOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** The passkey that a browser's answer shows; undefined when it shows none, for whatever reason. */
export async function takePasskey(ctx: Needs, use: PasskeyUse, response: unknown): Promise<ShownPasskey | undefined> {
  const { db } = ctx.accounts!;
  const read = readAssertion(response);
  const challenge = read && (await takeChallenge(db, 'passkey-sign-in', read.said.challenge));
  if (!challenge || !isFor(challenge, use)) return undefined;
  const stored = await findCredential(db, read.answer.id);
  if (!stored || (use.for !== 'sign-in' && stored.userId !== use.userId)) return undefined;
  const used = await verifyAssertion(partyOf(ctx), read, read.said.challenge, stored, use.for === 'sign-in');
  if (!used) {
    if (use.for === 'sign-in') await refuse(ctx, stored.userId);
    return undefined;
  }
  if (await moveCounter(db, stored.id, used)) return { userId: stored.userId, amr: amrOf(used) };
  await recordEvent(ctx, db, 'passkey-counter-went-back', {
    userId: stored.userId,
    details: { passkey: stored.id, counter: used.counter },
  });
  return undefined;
}

/** Writes down that somebody has shown a passkey of this user, and it was not good; of unknown ones there is nobody to be told. */
const refuse = (ctx: Needs, userId: string): Promise<void> =>
  recordEvent(ctx, ctx.accounts!.db, 'sign-in-refused', { userId, details: { method: 'passkey' } });

const isFor = (
  { userId, data }: { userId: string | undefined; data: Readonly<Record<string, unknown>> },
  use: PasskeyUse,
): boolean => data.for === use.for && (use.for === 'sign-in' || (userId === use.userId && data.holder === use.holder));

/** Signs in whoever shows a passkey. @throws UNAUTHENTICATED in one sentence, whatever is wrong with it */
export async function signInWithPasskey(ctx: Needs, response: unknown): Promise<SignInResult> {
  const { db, limits: counted } = ctx.accounts!;
  await counted.take(limits.passkeySignIns, ctx.client.network);
  const shown = await takePasskey(ctx, { for: 'sign-in' }, response);
  const account = shown && (await findAccount(db, shown.userId));
  if (!account) throw signInRefused();
  return completeSignIn(ctx, account, { method: 'passkey', amr: shown.amr, isStrong: true });
}

/** Gives a passkey of the viewer another name. @throws NOT_FOUND */
export async function renamePasskey(ctx: Needs, id: string, name: string): Promise<PasskeyRow> {
  const called = checkName(name);
  const row = await renameCredential(ctx.db, requireSession(ctx).id, id, called);
  if (!row) throw notFound();
  return row;
}

/** Removes a passkey of the viewer. @throws NOT_FOUND; CONFLICT when nothing else signs in */
export async function removePasskey(ctx: Needs, id: string): Promise<void> {
  const { id: userId } = await requireFactorChange(ctx);
  if ((await removeCredential(ctx.db, userId, id)) === undefined) throw notFound();
  await requireWayIn(ctx, userId);
  await dropIdleCodes(ctx, userId);
  await tellChange(ctx, userId, 'passkey-removed', { passkey: id });
}

function partyOf({ accounts }: Needs): RelyingParty {
  const { config, plan } = accounts!;
  const party = relyingPartyOf({ publicUrl: accounts!.publicUrl().href, name: plan.name, origins: config.origins });
  if (party) return party;
  throw new MillraceError('UNAVAILABLE', 'passkeys need a domain: PUBLIC_URL names an address of numbers');
}

/** Whether a passkey can be copied is what it says itself: nobody vouches for it. */
const amrOf = ({ isBackedUp }: { isBackedUp: boolean }): readonly string[] => [isBackedUp ? 'swk' : 'hwk', 'user'];

function checkName(name: string): string {
  const called = name.trim();
  if (called.length >= 1 && called.length <= 100 && !/\p{Cc}/u.test(called)) return called;
  throw invalidInput('name', 'must have 1 to 100 characters, without control characters');
}

const notMade = (): MillraceError =>
  invalidInput('response', 'this is no new passkey for this account: begin anew with startPasskeyRegistration');
const notFound = (): MillraceError => new MillraceError('NOT_FOUND', 'you have no such passkey');
const tooMany = (): MillraceError =>
  new MillraceError('CONFLICT', `you have ${maxPasskeys} passkeys, as many as there may be: remove one first`);

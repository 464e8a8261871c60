/**
 * The two ceremonies of WebAuthn Level 3: §7.1, a credential is made, and §7.2, it is used. Nothing is stored here; challenges are
 * drawn and taken by the caller, who takes one before it verifies anything, so that none is answered twice.
 */
import { createHash } from 'node:crypto';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import type { RelyingParty } from './relying-party.ts';
import { type Answered, type AssertionAnswer, isUnattested, type RegistrationAnswer } from './responses.ts';

/** A credential as browsers are told of it. */
export interface KnownCredential {
  /** In base64url, as the next. */
  credentialId: string;
  transports: readonly string[];
}

/** A credential that was made. */
export interface NewCredential extends KnownCredential {
  /** In COSE (RFC 9052). */
  publicKey: Buffer;
  counter: number;
  isBackedUp: boolean;
}

/** A credential that was used: how often by its own count, and whether it is kept in more than one place. */
export interface UsedCredential {
  counter: number;
  isBackedUp: boolean;
}

/** ES256, EdDSA, RS256. @NOTE pinned: the library's own list depends on what Node can. */
const algorithms = [-7, -8, -257];
const knownTransports = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'];
/** Milliseconds for which a browser waits for its user. */
const timeout = 300_000;

/** Who a credential says that it is of: nothing that can be read, the same for one user always. */
export const userHandleOf = (userId: string): Buffer =>
  createHash('sha256').update(`millrace passkey\0${userId}`).digest();

/** What `navigator.credentials.create` is given. */
export function creationOptions(
  party: RelyingParty,
  user: { userId: string; name: string; has: readonly KnownCredential[] },
  challenge: string,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  return generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userID: new Uint8Array(userHandleOf(user.userId)),
    userName: user.name,
    userDisplayName: user.name,
    challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    excludeCredentials: user.has.map(descriptor),
    supportedAlgorithmIDs: algorithms,
    timeout,
  });
}

/** What `navigator.credentials.get` is given; without credentials the browser offers those that it has. */
export function requestOptions(
  party: RelyingParty,
  allowed: readonly KnownCredential[] | undefined,
  challenge: string,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
    allowCredentials: allowed?.map(descriptor),
    userVerification: 'required',
    timeout,
  });
}

const descriptor = ({ credentialId, transports }: KnownCredential) => ({
  id: credentialId,
  transports: [...transports],
});

/** The credential that was made for this challenge, by a page of ours, by somebody who showed who they are; undefined for any other. */
export async function verifyRegistration(
  party: RelyingParty,
  { answer, said }: Answered<RegistrationAnswer>,
  challenge: string,
): Promise<NewCredential | undefined> {
  try {
    if (isFramed(said) || !isUnattested(answer)) return undefined;
    const { registrationInfo } = await verifyRegistrationResponse({
      response: { ...answer, clientExtensionResults: {} } as Parameters<
        typeof verifyRegistrationResponse
      >[0]['response'],
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: true,
      supportedAlgorithmIDs: algorithms,
    });
    if (!registrationInfo) return undefined;
    const { credential, credentialBackedUp } = registrationInfo;
    if (credential.id !== answer.id) return undefined;
    const transports = answer.response.transports?.filter((transport) => knownTransports.includes(transport)) ?? [];
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey),
      counter: credential.counter,
      transports: [...new Set(transports)],
      isBackedUp: credentialBackedUp,
    };
  } catch {
    return undefined; // The library throws for whatever is not as it should be.
  }
}

/**
 * That a credential was used for this challenge, on a page of ours, by somebody who showed who they are; undefined otherwise.
 * @param isDiscovered the browser was told of no credentials, and has to say whose the one is that it has found
 */
export async function verifyAssertion(
  party: RelyingParty,
  { answer, said }: Answered<AssertionAnswer>,
  challenge: string,
  stored: { userId: string; credentialId: string; publicKey: Buffer },
  isDiscovered: boolean,
): Promise<UsedCredential | undefined> {
  const { userHandle } = answer.response;
  const isOwner = userHandle ? userHandle === userHandleOf(stored.userId).toString('base64url') : !isDiscovered;
  if (!isOwner || isFramed(said) || answer.id !== stored.credentialId) return undefined;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...answer, clientExtensionResults: {} } as Parameters<
        typeof verifyAuthenticationResponse
      >[0]['response'],
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: true,
      // @NOTE the count is compared where it is stored, in one statement, and only when the signature is known to be good.
      credential: { id: stored.credentialId, publicKey: new Uint8Array(stored.publicKey), counter: 0 },
    });
    if (!verified) return undefined;
    return { counter: authenticationInfo.newCounter, isBackedUp: authenticationInfo.credentialBackedUp };
  } catch {
    return undefined;
  }
}

/** Whether the page that asked stood in one of another site, which the library lets pass where the browser does not name that. */
const isFramed = ({ crossOrigin, topOrigin }: Answered<unknown>['said']): boolean =>
  crossOrigin === true || topOrigin !== undefined;

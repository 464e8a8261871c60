/** What browsers answer (WebAuthn Level 3, §5.1), read with bounds on everything. */
import { decodeAttestationObject, decodeClientDataJSON } from '@simplewebauthn/server/helpers';
import { z } from 'zod';

const base64url = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[\w-]+$/);
/** §5.4.3 knows no longer id than 1023 bytes. */
const credential = { id: base64url(1364), rawId: base64url(1364), type: z.literal('public-key') };
const clientDataJSON = base64url(8192);

const registration = z.object({
  ...credential,
  response: z.object({
    clientDataJSON,
    attestationObject: base64url(16_384),
    transports: z.array(z.string().max(32)).max(16).optional(),
  }),
});

const assertion = z.object({
  ...credential,
  response: z.object({
    clientDataJSON,
    authenticatorData: base64url(4096),
    signature: base64url(4096),
    userHandle: base64url(86).nullish(),
  }),
});

const clientData = z.object({
  type: z.string(),
  challenge: z.string().max(200),
  origin: z.string(),
  crossOrigin: z.boolean().optional(),
  topOrigin: z.string().optional(),
});

/** A browser's answer, and what it says the page has asked. */
export type Answered<T> = { answer: T; said: z.infer<typeof clientData> };

/** A new credential, as a browser tells it. */
export type RegistrationAnswer = z.infer<typeof registration>;

/** What a browser tells of a credential that was used. */
export type AssertionAnswer = z.infer<typeof assertion>;

/** Undefined for anything that no browser answers. */
export const readRegistration = (value: unknown): Answered<RegistrationAnswer> | undefined => read(registration, value);

/** Undefined for anything that no browser answers. */
export const readAssertion = (value: unknown): Answered<AssertionAnswer> | undefined => read(assertion, value);

function read<T extends { id: string; rawId: string; response: { clientDataJSON: string } }>(
  schema: z.ZodType<T>,
  value: unknown,
): Answered<T> | undefined {
  const parsed = schema.safeParse(value);
  if (!parsed.success || parsed.data.id !== parsed.data.rawId) return undefined;
  try {
    const said = clientData.safeParse(decodeClientDataJSON(parsed.data.response.clientDataJSON));
    return said.success ? { answer: parsed.data, said: said.data } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether an attestation names nobody who vouches for it: `none`, or a key that vouches for itself.
 * @NOTE nobody here wants to know who made an authenticator. For those who vouch the library reads certificates, and may ask the
 * servers that these name whether they were revoked: nothing that whoever registers should be able to set off.
 */
export function isUnattested({ response }: RegistrationAnswer): boolean {
  const object = decodeAttestationObject(new Uint8Array(Buffer.from(response.attestationObject, 'base64url')));
  const format = object.get('fmt');
  return format === 'none' || (format === 'packed' && object.get('attStmt').get('x5c') === undefined);
}

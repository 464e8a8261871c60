import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** What an honest authenticator would not say, in the place of what it says. */
export interface Forged {
  origin?: string;
  rpId?: string;
  type?: string;
  challenge?: string;
  crossOrigin?: boolean;
  topOrigin?: string;
  isPresent?: boolean;
  isVerified?: boolean;
  counter?: number;
  /** Null: it says none. */
  userHandle?: string | null;
  id?: string;
  /** The key that signs. */
  key?: KeyObject;
  /** What the attestation says, in CBOR. */
  format?: string;
  statement?: Buffer;
  algorithm?: number;
  /** Done to the signature. */
  tamper?: (signature: Buffer) => Buffer;
}

/** The parts of options that an authenticator looks at. */
export interface PasskeyOptions {
  challenge: string;
  user?: { id: string };
}

/** A credential of it. */
interface Credential {
  id: string;
  key: KeyObject;
  publicKey: Buffer;
  userHandle: string;
  counter: number;
}

/** A passkey's answer, as JSON. */
export type PasskeyAnswer = { id: string; rawId: string; type: string; response: Record<string, unknown> };

/** An authenticator in software, with the browser around it: all that it says can be forged. */
export interface SoftwareAuthenticator {
  credentials: Credential[];
  create(options: PasskeyOptions, forged?: Forged): PasskeyAnswer;
  /** Uses the last credential, or the one that is given. */
  get(options: PasskeyOptions, forged?: Forged, credential?: Credential): PasskeyAnswer;
}

/** Makes one whose pages are of `origin`. @param counts false: it counts nothing, as those that are kept in several places */
export function createAuthenticator({
  origin,
  rpId = new URL(origin).hostname,
  counts = true,
}: {
  origin: string;
  rpId?: string;
  counts?: boolean;
}): SoftwareAuthenticator {
  const credentials: Credential[] = [];
  const clientData = (type: string, { challenge }: PasskeyOptions, forged: Forged) =>
    Buffer.from(
      JSON.stringify({
        type: forged.type ?? type,
        challenge: forged.challenge ?? challenge,
        origin: forged.origin ?? origin,
        crossOrigin: forged.crossOrigin ?? false,
        ...(forged.topOrigin !== undefined && { topOrigin: forged.topOrigin }),
      }),
    );
  const authenticatorData = (counter: number, forged: Forged, attested = Buffer.alloc(0)) => {
    const { isPresent = true, isVerified = true } = forged;
    const flags = (isPresent ? 1 : 0) | (isVerified ? 4 : 0) | (attested.length > 0 ? 0x40 : 0);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(forged.counter ?? counter);
    return Buffer.concat([sha256(forged.rpId ?? rpId), Buffer.from([flags]), count, attested]);
  };
  return {
    credentials,
    create(options, forged = {}) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const rawId = forged.id === undefined ? randomBytes(16) : Buffer.from(forged.id, 'base64url');
      const id = rawId.toString('base64url');
      const publicKey = coseKey(pair.publicKey, forged.algorithm ?? -7);
      const counter = counts ? 1 : 0;
      credentials.push({ id, key: pair.privateKey, publicKey, userHandle: options.user!.id, counter });
      const length = Buffer.alloc(2);
      length.writeUInt16BE(rawId.length);
      const data = authenticatorData(counter, forged, Buffer.concat([Buffer.alloc(16), length, rawId, publicKey]));
      const attestationObject = cborMap([
        [text('fmt'), text(forged.format ?? 'none')],
        [text('attStmt'), forged.statement ?? cborMap([])],
        [text('authData'), bytes(data)],
      ]);
      return {
        id,
        rawId: id,
        type: 'public-key',
        response: {
          clientDataJSON: clientData('webauthn.create', options, forged).toString('base64url'),
          attestationObject: attestationObject.toString('base64url'),
          transports: ['internal'],
        },
      };
    },
    get(options, forged = {}, credential = credentials.at(-1)!) {
      if (counts) credential.counter++;
      const data = authenticatorData(credential.counter, forged);
      const said = clientData('webauthn.get', options, forged);
      const signature = sign('sha256', Buffer.concat([data, sha256(said)]), forged.key ?? credential.key);
      const userHandle = forged.userHandle === undefined ? credential.userHandle : forged.userHandle;
      const id = forged.id ?? credential.id;
      return {
        id,
        rawId: id,
        type: 'public-key',
        response: {
          clientDataJSON: said.toString('base64url'),
          authenticatorData: data.toString('base64url'),
          signature: (forged.tamper?.(signature) ?? signature).toString('base64url'),
          ...(userHandle !== null && { userHandle }),
        },
      };
    },
  };
}

const sha256 = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest();

/** COSE (RFC 9053 §7.1) of a P-256 key. */
function coseKey(key: KeyObject, algorithm: number): Buffer {
  const { x, y } = key.export({ format: 'jwk' });
  return cborMap([
    [integer(1), integer(2)],
    [integer(3), integer(algorithm)],
    [integer(-1), integer(1)],
    [integer(-2), bytes(Buffer.from(x!, 'base64url'))],
    [integer(-3), bytes(Buffer.from(y!, 'base64url'))],
  ]);
}

/** CBOR (RFC 8949), what is needed of it. */
function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 256) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 255]);
}

const integer = (value: number): Buffer => (value < 0 ? head(1, -1 - value) : head(0, value));
const bytes = (value: Buffer): Buffer => Buffer.concat([head(2, value.length), value]);
const text = (value: string): Buffer => Buffer.concat([head(3, value.length), Buffer.from(value)]);

/** A map in CBOR, of parts that are in CBOR. */
export const cborMap = (entries: [Buffer, Buffer][]): Buffer =>
  Buffer.concat([head(5, entries.length), ...entries.flat()]);

/** An attestation statement that names a certificate. */
export const certified = (certificate: Buffer): Buffer =>
  cborMap([
    [text('alg'), integer(-7)],
    [text('sig'), bytes(Buffer.alloc(70))],
    [text('x5c'), Buffer.concat([head(4, 1), bytes(certificate)])],
  ]);

import { importPKCS8, SignJWT } from 'jose';
import { StartupError } from '../../../errors.ts';

/** What Apple knows the application by. */
export interface AppleKey {
  clientId: string;
  teamId: string;
  keyId: string;
  privateKey: string;
}

/** The client secret that Apple takes: a token of five minutes, signed by the developer's key. */
export async function makeAppleSecret({ clientId, teamId, keyId, privateKey }: AppleKey): Promise<string> {
  const key = await importPKCS8(privateKey, 'ES256').catch((cause: unknown) => {
    throw new StartupError(
      "Apple's private key cannot be read.",
      'Set privateKey to the text of the .p8 file, with its first and its last line.',
      { cause },
    );
  });
  return new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: keyId })
    .setIssuer(teamId)
    .setSubject(clientId)
    .setAudience('https://appleid.apple.com')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);
}

import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A mail as it arrived. */
export interface ReceivedMail {
  from: string;
  /** Every recipient of the envelope. */
  recipients: string[];
  mail: ParsedMail;
  /** Every byte. */
  raw: string;
  isEncrypted: boolean;
  user: string | undefined;
}

/** A real SMTP server of a test's own. */
export interface TestSmtp extends AsyncDisposable {
  port: number;
  received: ReceivedMail[];
  /** Resolves when so many mails have arrived. */
  arrived(count: number): Promise<ReceivedMail[]>;
}

/** A certificate that is no secret: of localhost and 127.0.0.1, signed by itself, for tests alone. */
export const certificate = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHrxDMgE9ClN3LO3l
na9ATUsyalAGucN4tMhnOOBzt6ChRANCAATN5cm0ZQz6QuZuugLMwgfvbjNdX9oC
lUn29hxhO7BBPD+MmJVJyBFxl3xpegffti1s/omGpbSVm3AOHVJ/MCAv
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUKlRt8CSXFdIxtni7GYYXmI395IAwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE5MTczOFoYDzIxMjYxMDMx
MTkxNzM4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATN5cm0ZQz6QuZuugLMwgfvbjNdX9oClUn29hxhO7BBPD+MmJVJyBFx
l3xpegffti1s/omGpbSVm3AOHVJ/MCAvo28wbTAdBgNVHQ4EFgQUk5wD0WJemm6N
80oiWu5eLuczzsMwHwYDVR0jBBgwFoAUk5wD0WJemm6N80oiWu5eLuczzsMwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAJgPStZ9UqQsc/b51+FvYSexwaljZvZCxKWL+8sfWwRJAiEA
xzlkyiQDUSrazUAHWYK9ik3ssYkoq3Ni5Wjx6hxehoE=
-----END CERTIFICATE-----
`,
};

/**
 * Starts an SMTP server; by default without encryption and without login.
 * @param hold asked before a mail that arrived is answered: waits as long as the test wants, and an error refuses it
 */
export async function startSmtp(
  options: SMTPServerOptions = {},
  hold: () => Promise<void> = async () => {},
): Promise<TestSmtp> {
  const received: ReceivedMail[] = [];
  const waiting = new Set<() => void>();
  const server = new SMTPServer({
    ...certificate,
    authOptional: true,
    hideSTARTTLS: true,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        const raw = Buffer.concat(chunks).toString('utf8');
        const { mailFrom, rcptTo } = session.envelope;
        try {
          await hold();
        } catch (error) {
          callback(error as Error);
          return;
        }
        received.push({
          from: mailFrom ? mailFrom.address : '',
          recipients: rcptTo.map(({ address }) => address),
          mail: await simpleParser(raw),
          raw,
          isEncrypted: session.secure,
          user: session.user as string | undefined,
        });
        callback();
        for (const tell of waiting) tell();
      });
    },
    ...options,
  });
  server.on('error', () => {}); // clients that break off
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    async arrived(count) {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          const tell = () => {
            waiting.delete(tell);
            resolve();
          };
          waiting.add(tell);
        });
      }
      return received;
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

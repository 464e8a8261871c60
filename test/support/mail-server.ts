import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AsyncDisposableStack } from '@whatwg-node/disposablestack';
import type { AccountsDefinition } from '../../src/modules/auth/define-accounts.ts';
import { type AccountServer, type SignedIn, sessionFields, startAccountServer } from './accounts.ts';
import { ask } from './postgres.ts';
import type { Answer } from './server.ts';
import { type ReceivedMail, startSmtp, type TestSmtp } from './smtp.ts';

/** Where links of these servers lead to. */
export const publicUrl = 'https://api.example.test';
/** An origin of CORS_ORIGINS. */
export const appOrigin = 'https://app.example.test';

/** A server with accounts that sends its mails to a real SMTP server. */
export interface MailServer extends AccountServer {
  smtp: TestSmtp;
  /** Asks from a network of its own, or this one, by whatever headers. */
  from(query: string, variables?: object, network?: string, headers?: Record<string, string>): Promise<Answer>;
  /** The n-th mail to an address; waits for it. */
  mailTo(address: string, nth?: number): Promise<ReceivedMail>;
  /** Resolves when no mail waits to be sent. */
  quiet(): Promise<void>;
  /** Asks for a link, and takes the token out of the mail. */
  link(address: string, nth?: number): Promise<string>;
  /** Somebody who has signed in by a link. */
  member(address?: string): Promise<SignedIn & { email: string }>;
  /** What a statement yields. */
  sql<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** Everything that is done by mail. */
export const documents = {
  link: 'mutation ($email: String!, $redirectTo: String) { requestSignInLink(email: $email, redirectTo: $redirectTo) }',
  signIn: `mutation ($token: String!) { signInWithLink(token: $token) { session { ${sessionFields} } secondFactor { token } } }`,
  code: 'mutation ($email: String!) { requestSignInCode(email: $email) { challenge expiresAt } }',
  signInWithCode: `mutation ($challenge: String!, $code: String!) {
    signInWithCode(challenge: $challenge, code: $code) { session { ${sessionFields} } secondFactor { token } } }`,
  verification: 'mutation { requestEmailVerification }',
  verify: 'mutation ($token: String!) { verifyEmail(token: $token) }',
  change: 'mutation ($newEmail: String!) { requestEmailChange(newEmail: $newEmail) }',
  confirm: 'mutation ($token: String!) { confirmEmailChange(token: $token) }',
  undo: 'mutation ($token: String!) { undoEmailChange(token: $token) }',
};

let people = 0;
/** An address that nobody has used. */
export function newAddress(): string {
  people += 1;
  return `person-${people}@example.test`;
}
/** An address of the network that nobody has used: limits count by it. */
export const newNetwork = (): string => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;

/** The token that a mail's link carries. */
export const tokenIn = ({ mail }: ReceivedMail): string =>
  new URLSearchParams(linkIn({ mail }).hash.slice(1)).get('token')!;
/** The link of a mail. */
export const linkIn = ({ mail }: Pick<ReceivedMail, 'mail'>): URL => new URL(/^\S+:\/\/\S+$/m.exec(mail.text!)![0]);
/** The code of a mail. */
export const codeIn = ({ mail }: ReceivedMail): string => /^\d{4} \d{4}$/m.exec(mail.text!)![0];

/** Starts it, behind a proxy that tells where its clients come from. */
export async function startMailServer(accounts: AccountsDefinition = {}): Promise<MailServer> {
  await using stack = new AsyncDisposableStack();
  const smtp = stack.use(await startSmtp());
  const server = stack.use(
    await startAccountServer({
      accounts,
      config: (config) => ({
        ...config,
        http: { ...config.http, trustProxy: 1 },
        accounts: { ...config.accounts, publicUrl, origins: [appOrigin] },
        mail: {
          kind: 'smtp',
          server: { host: '127.0.0.1', port: smtp.port, encryption: 'never' },
          from: { name: 'Example', address: 'hello@example.test' },
        },
      }),
    }),
  );
  const sql = <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
    ask<Row>(server.databaseUrl, text, values);
  const from: MailServer['from'] = async (query, variables = {}, network = newNetwork(), headers = {}) => {
    const response = await server.stranger.post({ query, variables }, { 'x-forwarded-for': network, ...headers });
    return (await response.json()) as Answer;
  };
  const mailTo: MailServer['mailTo'] = async (address, nth = 1) => {
    for (;;) {
      const found = smtp.received.filter(({ recipients }) => recipients.includes(address))[nth - 1];
      if (found) return found;
      await smtp.arrived(smtp.received.length + 1);
    }
  };
  const link: MailServer['link'] = async (email, nth = 1) => {
    const { errors } = await from(documents.link, { email });
    if (errors) throw new Error(JSON.stringify(errors));
    return tokenIn(await mailTo(email, nth));
  };
  const owned = stack.move();
  return {
    ...server,
    smtp,
    from,
    mailTo,
    link,
    sql,
    async quiet() {
      while ((await sql('select 1 from millrace.mail_jobs')).length > 0) await sleep(20);
    },
    async member(email = newAddress()) {
      const { data, errors } = await from(documents.signIn, { token: await link(email) });
      if (errors) throw new Error(JSON.stringify(errors));
      return { ...server.signedIn(data.signInWithLink.session), email };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseSmtpUrl } from '../../../src/config/smtp-url.ts';
import { type Mail, MailRefused } from '../../../src/platform/mail/mailer.ts';
import { createSmtpMailer, SmtpFailure } from '../../../src/platform/mail/smtp.ts';
import { certificate, startSmtp, type TestSmtp } from '../../support/smtp.ts';

const from = { name: 'Example', address: 'hello@example.test' };
const mail: Mail = { to: 'ann@example.test', subject: 'Grüße', text: 'Hallo', html: '<p>Hallo</p>' };
const password = 'p@ss w:rd/#';

let plain: TestSmtp;
let encrypting: TestSmtp;
let implicit: TestSmtp;
beforeAll(async () => {
  const onAuth: Parameters<typeof startSmtp>[0] = {
    authOptional: false,
    allowInsecureAuth: false,
    onAuth: (auth, _session, done) =>
      auth.username === 'mill' && auth.password === password ? done(null, { user: 'mill' }) : done(new Error('no')),
  };
  plain = await startSmtp();
  encrypting = await startSmtp({ ...onAuth, hideSTARTTLS: false });
  implicit = await startSmtp({ ...onAuth, secure: true });
});
afterAll(async () => {
  for (const server of [plain, encrypting, implicit]) await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  for (const server of [plain, encrypting, implicit]) server.received.length = 0;
});

const mailer = (url: string, ca?: string) => createSmtpMailer(parseSmtpUrl(url)!, { from, ca });
const login = `mill:${encodeURIComponent(password)}`;

describe('a mail by SMTP', () => {
  it('arrives as it was written, in text and in HTML, and says that no person sent it', async () => {
    const link = `https://app.example.test/auth/link#token=${'x'.repeat(300)}`;
    await mailer(`smtp://127.0.0.1:${plain.port}`).send({ ...mail, text: `Hallo\n\n${link}\n.\n..\n` });
    const [{ mail: got, ...envelope }] = (await plain.arrived(1)) as [(typeof plain.received)[0]];
    expect(envelope).toMatchObject({ from: from.address, recipients: [mail.to] });
    expect(got.from?.text).toBe('"Example" <hello@example.test>');
    expect(got.to).toMatchObject({ text: mail.to });
    expect(got.subject).toBe('Grüße');
    expect(got.text).toBe(`Hallo\n\n${link}\n.\n..\n`);
    expect(got.html).toBe('<p>Hallo</p>');
    expect(got.headers.get('auto-submitted')).toBe('auto-generated');
    expect(got.headers.has('x-mailer')).toBe(false);
  });

  it('is encrypted by STARTTLS, and from the first byte with smtps, and logs in there', async () => {
    await mailer(`smtp://${login}@localhost:${encrypting.port}?tls=required`, certificate.cert).send(mail);
    await mailer(`smtps://${login}@localhost:${implicit.port}`, certificate.cert).send(mail);
    expect(encrypting.received).toMatchObject([{ isEncrypted: true, user: 'mill' }]);
    expect(implicit.received).toMatchObject([{ isEncrypted: true, user: 'mill' }]);
  });

  it.each([
    ['whose certificate nobody has signed', () => `smtp://${login}@localhost:${encrypting.port}?tls=required`],
    ['whose certificate nobody has signed, with smtps', () => `smtps://${login}@localhost:${implicit.port}`],
    ['that has no encryption', () => `smtp://${login}@localhost:${plain.port}?tls=required`],
    ['that refuses the password', () => `smtps://mill:wrong-secret@localhost:${implicit.port}`, certificate.cert],
    ['that is not there', () => 'smtp://127.0.0.1:1'],
  ])('is not handed to a server %s, and the error tells no secret', async (_title, url, ca?: string) => {
    const error = await mailer(url(), ca)
      .send(mail)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SmtpFailure);
    const told = `${(error as Error).message} ${JSON.stringify(error)} ${(error as Error).cause}`;
    for (const secret of [password, 'wrong-secret', mail.to, mail.text]) expect(told).not.toContain(secret);
    for (const server of [plain, encrypting, implicit]) expect(server.received).toEqual([]);
  });

  it.each<[string, Partial<Mail>]>([
    ['a line break in the address', { to: 'ann@example.test\r\nBcc: eve@evil.test' }],
    ['a line feed in the address', { to: 'ann@example.test\nBcc:eve@evil.test' }],
    ['two addresses', { to: 'ann@example.test, eve@evil.test' }],
    ['two addresses and a semicolon', { to: 'ann@example.test;eve@evil.test' }],
    ['a name before the address', { to: 'Ann <ann@example.test>' }],
    ['a quoted local part', { to: '"eve@evil.test x"@example.test' }],
    ['a command in the address', { to: 'ann@example.test>\r\nRCPT TO:<eve@evil.test' }],
    ['a null in the address', { to: 'ann@example.test\0' }],
    ['an invisible character in the address', { to: 'ann@exam\u200bple.test' }],
    ['a reversed address', { to: '\u202eann@example.test' }],
    ['a group', { to: 'undisclosed: ann@example.test' }],
    ['no address', { to: '' }],
    ['two at signs', { to: 'ann@example.test@evil.test' }],
    ['an address without end', { to: `${'a'.repeat(300)}@example.test` }],
    ['a line break in the subject', { subject: 'Hi\r\nBcc: eve@evil.test' }],
    ['a line feed in the subject', { subject: 'Hi\nX: y' }],
    ['a carriage return in the subject', { subject: 'Hi\rX: y' }],
    ['a line separator in the subject', { subject: 'Hi\u2028X: y' }],
    ['a subject without end', { subject: 'x'.repeat(1000) }],
  ])('is refused with %s', async (_title, change) => {
    const sent = mailer(`smtp://127.0.0.1:${plain.port}`).send({ ...mail, ...change });
    await expect(sent).rejects.toBeInstanceOf(MailRefused);
    expect(plain.received).toEqual([]);
  });

  it('keeps what looks like headers in its text there', async () => {
    const text = 'x\r\nBcc: eve@evil.test\r\n\r\n.\r\nRCPT TO:<eve@evil.test>';
    await mailer(`smtp://127.0.0.1:${plain.port}`).send({ ...mail, text });
    const [got] = await plain.arrived(1);
    expect(got!.recipients).toEqual([mail.to]);
    expect(got!.mail.bcc).toBeUndefined();
    expect(got!.mail.text).toContain('RCPT TO:<eve@evil.test>');
  });

  it('goes to an address of another alphabet', async () => {
    await mailer(`smtp://127.0.0.1:${plain.port}`).send({ ...mail, to: 'käthe@bücher.test' });
    expect((await plain.arrived(1))[0]!.recipients[0]).toMatch(/^käthe@(bücher|xn--bcher-kva)\.test$/);
  });
});

describe('a server that refuses', () => {
  it.each([
    ['the address for good', 550, MailRefused],
    ['the address for now', 451, SmtpFailure],
  ])('%s says so by the error', async (_title, responseCode, kind) => {
    await using server = await startSmtp({
      onRcptTo: ({ address }, _session, done) => done(Object.assign(new Error(`who is ${address}?`), { responseCode })),
    });
    const error = await mailer(`smtp://127.0.0.1:${server.port}`)
      .send(mail)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toBe(`RCPT TO was answered with ${responseCode}`);
  });

  it('hangs no longer than an aborted signal', async () => {
    await using server = await startSmtp({}, () => new Promise(() => {}));
    const sent = mailer(`smtp://127.0.0.1:${server.port}`).send(mail, AbortSignal.timeout(100));
    await expect(sent).rejects.toBeInstanceOf(SmtpFailure);
  });
});

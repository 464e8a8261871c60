import { createTransport } from 'nodemailer';
import type { SmtpServer } from '../../config/smtp-url.ts';
import { checkMail, type Mailer, MailRefused } from './mailer.ts';

/** What else than the server it takes. */
export interface SmtpOptions {
  /** Who the mails are from: `name <address>`. */
  from: { name: string; address: string };
  /** Certificates to trust in place of the system's, as PEM. */
  ca?: string;
}

/** Milliseconds: to connect, to be greeted, and in which nothing comes. */
const patience = { connect: 10_000, greeting: 10_000, silence: 20_000 };

/** Why an attempt failed, in words that tell neither an address nor what the server said of it. */
export class SmtpFailure extends Error {
  override name = 'SmtpFailure';
}

/** What the library attaches to an error. */
interface SmtpError extends Error {
  code?: string;
  command?: string;
  responseCode?: number;
}

/** Sends by SMTP, each mail on a connection of its own. */
export function createSmtpMailer(server: SmtpServer, { from, ca }: SmtpOptions): Mailer {
  const { host, port, encryption, user, password } = server;
  const transport = createTransport({
    host,
    port,
    secure: encryption === 'implicit',
    requireTLS: encryption === 'required',
    ignoreTLS: encryption === 'never',
    ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
    tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
    connectionTimeout: patience.connect,
    dnsTimeout: patience.connect,
    greetingTimeout: patience.greeting,
    socketTimeout: patience.silence,
    // A template is an application's text, and may hold somebody's name: it is never an address to fetch from.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(mail, signal) {
      checkMail(mail);
      const { to, subject, text, html } = mail;
      const message = {
        from,
        // @NOTE an object, which is not parsed, and the envelope beside it: one text must not become two recipients.
        to: { name: '', address: to },
        envelope: { from: from.address, to: [to] },
        subject,
        text,
        html,
        // Holiday notices do not answer what was sent by a program (RFC 3834, section 5).
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        xMailer: false as const,
        ...(signal && { signal }),
      };
      await transport.sendMail(message).catch((error: SmtpError) => {
        throw failureOf(error);
      });
    },
  };
}

/** @NOTE the library's error is not passed on: it holds the address, and what the server said of the login. */
function failureOf({ code = 'unknown', command, responseCode, message }: SmtpError): Error {
  const isOfRecipient = command === 'RCPT TO' || command === 'DATA';
  if (isOfRecipient && responseCode !== undefined && responseCode >= 500) {
    return new MailRefused(`${command} was answered with ${responseCode}`);
  }
  if (responseCode !== undefined) return new SmtpFailure(`${command ?? code} was answered with ${responseCode}`);
  // What is said before any mail is named: a host, a port, a certificate.
  const isOfConnection = ['ESOCKET', 'ECONNECTION', 'ETIMEDOUT', 'EDNS', 'ETLS'].includes(code);
  return new SmtpFailure(isOfConnection ? `${code}: ${message}` : code);
}

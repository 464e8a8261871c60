/** What a mail is, and what sends one. */

/** One mail to one address. */
export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** Sends mails: by SMTP, or into the outbox of development. */
export interface Mailer {
  /**
   * Resolves when the mail is somebody else's to deliver. An aborted signal ends the attempt.
   * @throws MailRefused when no further attempt can succeed; another error when one may
   */
  send(mail: Mail, signal?: AbortSignal): Promise<void>;
}

/** A mail that nobody will ever take: its address is refused, or none. */
export class MailRefused extends Error {
  override name = 'MailRefused';
}

/** Bounds of a mail; a longer address is none (RFC 5321, section 4.5.3.1.3). */
const most = { address: 254, subject: 200, body: 200_000 };

// Without quotes, comments, lists or names: nothing that one reader of addresses takes for one and another for two.
const oneAddress = /^[^\s<>()[\]\\,;:"@\p{Cc}\p{Cf}]+@[^\s<>()[\]\\,;:"@\p{Cc}\p{Cf}]+$/u;

/** Whether this is one plain address, such as `ann@example.com`, that can be written into a header as it is. */
export const isOneAddress = (text: string): boolean => text.length <= most.address && oneAddress.test(text);

/** Passes a mail that can be written down as it is. @throws MailRefused for whatever could become a second header, or a second recipient */
export function checkMail({ to, subject, text, html }: Mail): void {
  if (!isOneAddress(to)) throw new MailRefused('the address is none');
  if (/\p{Cc}|[\u2028\u2029]/u.test(subject)) throw new MailRefused('the subject is more than one line');
  if (subject.length > most.subject) throw new MailRefused('the subject is too long');
  if (text.length + html.length > most.body) throw new MailRefused('the mail is too long');
}

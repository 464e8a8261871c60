/** Where mails are handed over, and how the way there is encrypted. */
export interface SmtpServer {
  host: string;
  port: number;
  /** From the first byte; by STARTTLS, or not at all; by STARTTLS where it is offered; never. */
  encryption: 'implicit' | 'required' | 'optional' | 'never';
  user?: string;
  password?: string;
}

/** Who mails are from. */
export interface MailSender {
  name: string;
  address: string;
}

const ofThisMachine = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i;

/**
 * Reads `smtp://user:password@host:587` (encrypted by STARTTLS, except on this machine; `?tls=required`, `optional` or `never`
 * says otherwise) and `smtps://…:465` (encrypted from the first byte); undefined when it is neither.
 */
export function parseSmtpUrl(text: string): SmtpServer | undefined {
  try {
    const url = new URL(text.trim());
    const isImplicit = url.protocol === 'smtps:';
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const settings = [...url.searchParams.keys()];
    const tls = url.searchParams.get('tls') ?? (ofThisMachine.test(host) ? 'never' : 'required');
    const isUnderstood =
      (isImplicit || url.protocol === 'smtp:') &&
      host !== '' &&
      /^\/?$/.test(url.pathname) &&
      url.hash === '' &&
      (isImplicit ? settings.length === 0 : settings.every((key) => key === 'tls')) &&
      ['required', 'optional', 'never'].includes(tls);
    if (!isUnderstood) return undefined;
    return {
      host,
      port: url.port ? Number(url.port) : isImplicit ? 465 : 587,
      encryption: isImplicit ? 'implicit' : (tls as SmtpServer['encryption']),
      ...(url.username && { user: decodeURIComponent(url.username) }),
      ...(url.password && { password: decodeURIComponent(url.password) }),
    };
  } catch {
    return undefined; // no address, or an escape that is none
  }
}

/** Reads `Name <address>`, or an address alone; undefined when it is neither. */
export function parseSender(text: string): MailSender | undefined {
  const [, name = '', address = ''] = /^([^<>"\p{Cc}]*)<([^<>]+)>$/u.exec(text.trim()) ?? [];
  const found = address || text.trim();
  if (!/^[^\s<>(),;:"@\p{Cc}]+@[^\s<>(),;:"@\p{Cc}]+$/u.test(found)) return undefined;
  return { name: name.trim(), address: found };
}

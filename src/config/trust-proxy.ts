import { isIP } from 'node:net';
import { z } from 'zod';

/** Whom to believe about the addresses of clients: nobody, so many proxies in a row, or those of these networks (CIDR). */
export type TrustProxy = false | number | readonly string[];

/** How TRUST_PROXY is read. */
export const trustProxy = {
  type: z.string().transform((text, context): TrustProxy => {
    const read = parseTrustProxy(text.trim());
    if (read === undefined) context.addIssue('not understood');
    return read ?? z.NEVER;
  }),
  expects: 'false, true (one proxy), a number of proxies up to 20, or networks such as 10.0.0.0/8,2001:db8::/32',
};

function parseTrustProxy(text: string): TrustProxy | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= 20 ? Number(text) || false : undefined;
  const flag = z.stringbool().safeParse(text);
  if (flag.success) return flag.data && 1;
  const networks = text.split(',').map((network) => network.trim());
  return networks.every(isNetwork) ? networks : undefined;
}

function isNetwork(text: string): boolean {
  const [, address = '', bits = '0'] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}

import { domainToASCII } from 'node:url';
import { invalidInput } from '../../errors.ts';

/** Longest address that mail is carried to (RFC 5321 §4.5.3.1.3, less its brackets), and its longest local part, in bytes. */
const maxBytes = { address: 254, local: 64 };

/**
 * Reads an e-mail address into its one spelling: NFKC, lower case, the domain in ASCII. Accounts are found by it and mail is
 * sent to it, never to what was typed: so whatever comes to the same spelling is the same account and the same mailbox.
 * @throws INVALID_INPUT
 */
export function readEmailAddress(text: string, path = 'email'): string {
  const address = normalEmailAddress(text);
  if (address === undefined) throw invalidInput(path, 'is no e-mail address');
  return address;
}

/** The one spelling of an address, undefined where it is none; of one in its one spelling, that itself. */
export function normalEmailAddress(text: string): string | undefined {
  if (text.length > 1000) return undefined; // before any work
  const typed = text.trim();
  if (isUnseen.test(typed)) return undefined;
  const folded = typed.normalize('NFKC').toLowerCase().normalize('NFKC');
  const [local = '', domain = '', ...rest] = folded.split('@');
  if (rest.length > 0 || !isLocalPart.test(local) || !isDomain.test(domain)) return undefined;
  const ascii = domainToASCII(domain);
  if (!isHostName.test(ascii) || ascii.length > 253) return undefined;
  const address = `${local}@${ascii}`;
  const fits = Buffer.byteLength(local) <= maxBytes.local && Buffer.byteLength(address) <= maxBytes.address;
  return fits ? address : undefined;
}

/** White space, lone surrogates, and what is not drawn, not assigned or private: none of it tells two addresses apart that a person reads. */
const isUnseen = /[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;
/** A dot-atom (RFC 5322 §3.2.3), with letters and digits of any script (RFC 6531). No quotes: nobody has such a mailbox. */
const isLocalPart = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
// @NOTE checked before domainToASCII, which takes its argument for a URL's host: it decodes %6d, and reads numbers as IPv4.
const isDomain = /^[\p{L}\p{M}\p{N}.-]+$/u;
const isHostName = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z](?:[a-z\d-]{0,61}[a-z\d])?$/;

import type { Claims, OidcProvider, Profile } from './provider.ts';

/** The longest that anything of a profile may be; a longer subject or address is refused, a name cut. */
const longest = { subject: 255, email: 254, name: 200 };

/**
 * What claims come to. Address and its proof are taken from the same place, the ID token before the userinfo
 * endpoint: else the one would vouch for an address that stands in the other.
 */
export function profileOfClaims(provider: OidcProvider, idToken: Claims, userinfo: Claims | undefined): Profile {
  const source = typeof idToken.email === 'string' || !userinfo ? idToken : userinfo;
  const vouches = provider.vouches ?? (({ email_verified }) => email_verified === true);
  const named = [idToken, userinfo ?? {}].flatMap(({ name, preferred_username }) => [name, preferred_username]);
  return checkProfile({
    issuer: String(idToken.iss),
    subject: String(idToken.sub),
    email: typeof source.email === 'string' ? source.email : undefined,
    // What a provider knows of the tenant or the domain stands in the ID token, whichever the address is of.
    emailVerified: vouches(source === idToken ? idToken : { ...source, hd: idToken.hd ?? source.hd }),
    name: named.find((value): value is string => typeof value === 'string' && value.trim() !== ''),
  });
}

/** Holds to its bounds what a provider says; nothing of it is trusted to be what its type says. @throws TypeError */
export function checkProfile(profile: Profile): Profile {
  const { issuer, subject, email, emailVerified, name } = profile;
  if (typeof subject !== 'string' || subject === '' || subject.length > longest.subject)
    throw new TypeError('the subject is none');
  const address = typeof email === 'string' && isAddress(email) ? email : undefined;
  return {
    issuer,
    subject,
    email: address,
    emailVerified: emailVerified === true && address !== undefined,
    name: typeof name === 'string' ? cleanName(name) : undefined,
  };
}

const isAddress = (text: string) => text.length <= longest.email && /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u.test(text);

function cleanName(name: string): string | undefined {
  const text = name
    .normalize('NFC')
    .replace(/\p{C}+/gu, ' ')
    .trim();
  return [...text].slice(0, longest.name).join('') || undefined;
}

/** The name that Apple's first answer brings beside its token, in a parameter of its own. */
export function nameOfAppleUser(user: string | null): string | undefined {
  if (!user || user.length > 2_000) return undefined;
  try {
    const { firstName, lastName } =
      (JSON.parse(user) as { name?: { firstName?: unknown; lastName?: unknown } }).name ?? {};
    return [firstName, lastName].filter((part) => typeof part === 'string').join(' ') || undefined;
  } catch {
    return undefined;
  }
}

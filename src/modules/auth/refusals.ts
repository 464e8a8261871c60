import { MillraceError } from '../../errors.ts';

/** One answer for every credential that does not do: unknown, wrong, used, expired, of a disabled account. */
export const signInRefused = (): MillraceError =>
  new MillraceError('UNAUTHENTICATED', 'these credentials do not sign in');

/** A link or code that is unknown, used or expired. */
export const linkRefused = (): MillraceError =>
  new MillraceError('UNAUTHENTICATED', 'this link or code is wrong, or not good any more');

/** A session that has ended, or never was. */
export const sessionOver = (): MillraceError => new MillraceError('UNAUTHENTICATED', 'the session has ended');

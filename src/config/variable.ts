import { z } from 'zod';

/** One environment variable: how it is read, what is said when it is wrong, and its lines in `.env.example`. */
export interface Variable<T = unknown> {
  type: z.ZodType<T, string>;
  /** Completes the sentence "expected …". */
  expects: string;
  /** What it is for, in a sentence or two. */
  prose: string;
  /** As it would be written in the environment. Without one, an unset variable is `undefined`. */
  default?: string | { development: string; production: string };
  /** Shown in `.env.example` where there is no default. */
  example?: string;
  /** Its value is never printed. */
  secret?: boolean;
}

/** True or false. */
export const flag = { type: z.stringbool(), expects: 'true or false' };
/** A text that is not empty. */
export const word = { type: z.string().trim().min(1) };

/** A whole number between two others. */
export function integer(min: number, max: number, what: string) {
  const type = z.string().trim().regex(/^\d+$/).transform(Number).pipe(z.int().min(min).max(max));
  return { type, expects: `${what}, ${min} to ${max}` };
}

/** A URL of one of these protocols. */
export function url(protocols: string[], expects: string) {
  return {
    type: z
      .string()
      .trim()
      .refine((text) => isUrlOf(text, protocols)),
    expects,
  };
}

function isUrlOf(text: string, protocols: string[]): boolean {
  try {
    const { protocol, username, password, pathname } = new URL(text);
    for (const part of [username, password, pathname]) decodeURIComponent(part);
    return protocols.includes(protocol);
  } catch {
    return false;
  }
}

/** Origins of pages, separated by commas; `*` is any. */
export const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .pipe(
    z.array(
      z.string().refine((origin) => origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)),
    ),
  );

/** Roles, and a number for each. */
export const costsByRole = z.string().transform((text, context) => {
  const costs = new Map<string, number>();
  for (const part of text.split(',')) {
    const [, role, cost] = /^\s*([^\s=,]+)\s*=\s*(\d{1,15})\s*$/.exec(part) ?? [];
    if (role === undefined || costs.has(role)) context.addIssue('not understood');
    else costs.set(role, Number(cost));
  }
  return costs;
});

/** A text that is taken apart, or not understood. */
export const parsed = <T>(parse: (text: string) => T | undefined) =>
  z.string().transform((text, context) => {
    const value = parse(text);
    if (value === undefined) context.addIssue('not understood');
    return value ?? z.NEVER;
  });

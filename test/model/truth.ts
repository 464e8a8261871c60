/** True, false, or undefined: unknown. */
export type Truth = boolean | undefined;

/** SQL's `and`; true of none. */
export function all(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

/** SQL's `or`; false of none. */
export const any = (truths: readonly Truth[]): Truth => not(all(truths.map(not)));

/** SQL's `not`: what is unknown stays so. */
export const not = (truth: Truth): Truth => (truth === undefined ? undefined : !truth);

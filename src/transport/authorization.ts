/**
 * The `Authorization` that a client put into its connection's parameters, or into an operation's extensions: under that name in
 * any case, there or below `headers`; undefined when there is none.
 */
export function authorizationIn(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null) return undefined;
  for (const [name, value] of Object.entries(params)) {
    if (name.toLowerCase() === 'authorization' && typeof value === 'string' && value !== '') return value;
  }
  return 'headers' in params ? authorizationIn(params.headers) : undefined;
}

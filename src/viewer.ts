/** Who asks. Rules are functions of this, and of nothing else. */
export interface Viewer {
  /** Subject of the token; undefined for a stranger, and in a rule's `where` undefined matches no row. */
  readonly id: string | undefined;
  /** The token's `role`; undefined without one. */
  readonly role: string | undefined;
  /** Everything the token says. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** No token was sent. */
  readonly isAnonymous: boolean;
  /** The role is the configured admin role, which stands above all rules. */
  readonly isAdmin: boolean;
}

/** Somebody without a token. */
export const stranger: Viewer = { id: undefined, role: undefined, claims: {}, isAnonymous: true, isAdmin: false };

/** The viewer that verified claims speak of. */
export function viewerOf(claims: Readonly<Record<string, unknown>>, adminRole: string): Viewer {
  const role = typeof claims.role === 'string' ? claims.role : undefined;
  const id = typeof claims.sub === 'string' ? claims.sub : undefined;
  return { id, role, claims, isAnonymous: false, isAdmin: role === adminRole };
}

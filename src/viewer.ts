/** Who asks. Rules are functions of this, and of nothing else. */
export interface Viewer {
  /** Subject of the token; undefined for a stranger, and in a rule's `where` undefined matches no row. */
  readonly id: string | undefined;
  /** The token's `role`; undefined without one. */
  readonly role: string | undefined;
  /** All roles: the account's, with those that they inherit; of another token its `role` and those of its claim `roles`. */
  readonly roles: string[];
  /** The ids of the organizations that the account is a member of; of another token its claim `orgs`. */
  readonly orgs: string[];
  /** The account's role in each of its organizations, by the organization's id. */
  readonly orgRoles: Readonly<Record<string, string>>;
  /** Everything the token says. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** No token was sent. */
  readonly isAnonymous: boolean;
  /** Somebody who has an account, and has not said who they are. */
  readonly isGuest: boolean;
  /** The role is the configured admin role, which stands above all rules. */
  readonly isAdmin: boolean;
  /** What the token of a session said when it was made; `claims` is what is true now. */
  readonly token?: Readonly<Record<string, unknown>>;
  /** The session that the token is of; none of `npx millrace token`, of another issuer, or of an API key. */
  readonly session?: ViewerSession;
  /** What an API key is limited to; undefined for everybody who has none. */
  readonly scopes?: readonly string[];
  /** The prefix of the API key that was sent; undefined for everybody who has none. */
  readonly apiKeyPrefix?: string;
  /** Why a cookie that was sent counts for nothing: told where they are asked to sign in. */
  readonly refusedCookie?: string;
}

/** How somebody has signed in. */
export interface ViewerSession {
  readonly id: string;
  /** `1` by one factor, `2` by two (the token's `acr`). */
  readonly assurance: '1' | '2';
  /** By which methods (RFC 8176, the token's `amr`). */
  readonly methods: readonly string[];
  /** When they last proved who they are, in seconds since 1970. */
  readonly authenticatedAt: number;
  /** Who really asks, where an administrator stands in for the account. */
  readonly impersonatorId?: string;
}

/** Somebody without a token. */
export const stranger: Viewer = Object.freeze({
  id: undefined,
  role: undefined,
  roles: Object.freeze([]) as unknown as string[],
  orgs: Object.freeze([]) as unknown as string[],
  orgRoles: Object.freeze({}),
  claims: {},
  isAnonymous: true,
  isGuest: false,
  isAdmin: false,
});

/**
 * The viewer that verified claims speak of.
 * @NOTE nobody is made an administrator by the claim `roles`: other issuers fill it for applications of all kinds.
 */
export function viewerOf(claims: Readonly<Record<string, unknown>>, adminRole: string): Viewer {
  const role = typeof claims.role === 'string' ? claims.role : undefined;
  const id = typeof claims.sub === 'string' ? claims.sub : undefined;
  const roles = [...new Set([...(role === undefined ? [] : [role]), ...listIn(claims.roles)])];
  const orgs = listIn(claims.orgs);
  const { orgRoles } = stranger;
  return { id, role, roles, orgs, orgRoles, claims, isAnonymous: false, isGuest: false, isAdmin: role === adminRole };
}

/** A claim that is a list of strings; any other is none. */
const listIn = (claim: unknown): string[] =>
  Array.isArray(claim) && claim.every((item) => typeof item === 'string') ? claim : stranger.orgs;

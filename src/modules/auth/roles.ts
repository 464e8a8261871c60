import { StartupError } from '../../errors.ts';

/** Roles, and what each inherits. */
export type RoleTable = Readonly<Record<string, { readonly inherits?: readonly string[] }>>;

/** Everything that these roles come to: themselves, and what they inherit, in the order in which it is found. */
export function expandRoles(given: readonly string[], table: RoleTable): string[] {
  const all = new Set<string>();
  const add = (role: string): void => {
    if (all.has(role)) return;
    all.add(role);
    for (const inherited of table[role]?.inherits ?? []) add(inherited);
  };
  given.forEach(add);
  return [...all];
}

/** Roles that can be given: any, unless the application has named its own. */
export function isKnownRole(role: string, table: RoleTable, adminRole: string): boolean {
  if (!/^[\w.:-]{1,60}$/.test(role)) return false;
  return role === adminRole || Object.keys(table).length === 0 || Object.hasOwn(table, role);
}

/** Checks the application's roles. @throws StartupError for roles that inherit what is not there, or themselves, or the admin role */
export function checkRoles(table: RoleTable, adminRole: string): void {
  for (const [role, { inherits = [] }] of Object.entries(table)) {
    const missing = inherits.find((name) => !Object.hasOwn(table, name));
    if (inherits.includes(adminRole)) refuse(`${role} inherits ${adminRole}, which stands above all rules`);
    if (missing !== undefined) refuse(`${role} inherits ${missing}, which is no role`);
    if (expandRoles(inherits, table).includes(role)) refuse(`${role} inherits itself`);
  }
}

function refuse(what: string): never {
  throw new StartupError(`app/accounts.ts: the role ${what}`, 'correct `roles` in app/accounts.ts');
}

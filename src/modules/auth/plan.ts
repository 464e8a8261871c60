/** app/accounts.ts and the schema → everything that accounts go by, checked. */
import type { Api, ApiModel } from '../../data/api/api-model.ts';
import type { ColumnField, Datamodel, Model } from '../../data/model/datamodel.ts';
import type { RuleSet } from '../../data/rules/rule-set.ts';
import { StartupError } from '../../errors.ts';
import type { AccountsDefinition, NewUser } from './define-accounts.ts';
import { isMailTemplate } from './mail/templates.ts';
import { checkProviders } from './oauth/check-providers.ts';
import { checkPersonalData } from './own/personal-rows.ts';
import { checkRoles, isKnownRole, type RoleTable } from './roles.ts';
import { authRules, organizationRules } from './rules.ts';

/** The file that brings accounts. */
export const accountsFile = 'prisma/platform/auth.prisma';
/** The file that brings organisations. */
export const organizationsFile = 'prisma/platform/organizations.prisma';

/** Whether a project has accounts, and what rules that makes. */
export interface AccountsPresence {
  isServed: boolean;
  hasOrganizations: boolean;
  rules: RuleSet;
  /** What whoever develops it should know. */
  notice: readonly string[];
}

/** The users' model, where accounts can stand on it: it has one field as its id. */
function usersIn(datamodel: Datamodel, name = 'User'): { model: Model; key: ColumnField } | undefined {
  const model = datamodel.models.get(name);
  const key = model?.uniqueKeys.find((k) => k.isPrimary && k.fields.length === 1)?.fields[0];
  return model && key && { model, key };
}

/**
 * Whether a project has accounts: their file is there, and users that they can stand on. Without such users, and without app/accounts.ts,
 * nobody has asked for them.
 * @throws StartupError for what stands on accounts where their file is not there
 */
export function accountsIn(
  { files, accounts }: { files: readonly { path: string }[]; accounts?: AccountsDefinition },
  datamodel: Datamodel,
): AccountsPresence {
  const has = (path: string) => files.some((file) => file.path === path);
  const rules = { ...(has(accountsFile) && authRules), ...(has(organizationsFile) && organizationRules) };
  if (has(accountsFile)) {
    if (accounts || usersIn(datamodel))
      return { isServed: true, hasOrganizations: has(organizationsFile), rules, notice: [] };
    const closed = Object.fromEntries(Object.keys(rules).map((name) => [name, { api: false } as const]));
    const notice = ['accounts are not served: there is no model User with one field as its id (docs/accounts.md)'];
    return { isServed: false, hasOrganizations: false, rules: closed, notice };
  }
  if (!accounts && !has(organizationsFile)) return { isServed: false, hasOrganizations: false, rules, notice: [] };
  throw new StartupError(
    `${accounts ? 'app/accounts.ts' : organizationsFile} stands on accounts, which are not there: ${accountsFile}`,
    `bring ${accountsFile} back, or delete what stands on it`,
  );
}

/** Everything that accounts go by. */
export interface AccountsPlan {
  definition: AccountsDefinition;
  name: string;
  /** The application's own users. */
  user: ApiModel;
  userKey: ColumnField;
  /** The module's own model: where its tables are. */
  account: Model;
  hasOrganizations: boolean;
  /** All models, by their names in the schema. */
  models: Datamodel['models'];
  roles: RoleTable;
  adminRole: string;
  signUp: 'open' | 'invited' | 'closed';
  guests: boolean;
  verifyEmail: boolean;
  minPasswordLength: number;
  /** Seconds. */
  lifetimes: { access: number; idle: number; session: number };
  /** What a new user's row is made of, by the schema's names. */
  userData(user: NewUser): Readonly<Record<string, unknown>>;
}

/** What is said where app/accounts.ts says nothing. */
const defaults = { accessMinutes: 10, idleDays: 14, maxDays: 90, minLength: 15 };

/** Makes the plan. @throws StartupError for what app/accounts.ts says wrongly, and for users that cannot be made */
export function planAccounts(
  definition: AccountsDefinition,
  {
    api,
    datamodel,
    adminRole,
    hasOrganizations,
  }: { api: Api; datamodel: Datamodel; adminRole: string; hasOrganizations: boolean },
): AccountsPlan {
  checkKeys(definition);
  const { roles = {}, session = {}, userModel = 'User' } = definition;
  checkRoles(roles, adminRole);
  checkProviders(definition.providers ?? {});
  checkPersonalData(definition.personalData ?? {}, api.models);
  const user = api.models.get(userModel);
  if (!user) {
    throw new StartupError(
      `accounts need a model ${userModel} with an id, and the API has none`,
      `add it to prisma/app.prisma, name another one by \`userModel\` in app/accounts.ts, or delete ${accountsFile}`,
    );
  }
  const key = usersIn(datamodel, userModel)?.key;
  if (!key) {
    throw new StartupError(`accounts need a ${userModel} with one field as its id`, `give ${userModel} an @id`);
  }
  for (const role of definition.defaultRoles ?? []) {
    if (role === adminRole || !isKnownRole(role, roles, adminRole))
      throw new StartupError(`app/accounts.ts: ${role} cannot be a default role`, 'correct `defaultRoles`');
  }
  const lifetimes = {
    access: 60 * within('session.accessMinutes', session.accessMinutes ?? defaults.accessMinutes, 1, 60),
    idle: 86_400 * within('session.idleDays', session.idleDays ?? defaults.idleDays, 1, 400),
    session: 86_400 * within('session.maxDays', session.maxDays ?? defaults.maxDays, 1, 400),
  };
  return {
    definition,
    name: definition.name ?? 'Millrace',
    user,
    userKey: key,
    account: datamodel.models.get('AuthAccount')!,
    models: datamodel.models,
    hasOrganizations,
    roles,
    adminRole,
    signUp: definition.signUp ?? 'open',
    guests: definition.guests ?? true,
    verifyEmail: definition.verifyEmail ?? true,
    minPasswordLength: within('password.minLength', definition.password?.minLength ?? defaults.minLength, 8, 64),
    lifetimes,
    userData: definition.user ?? usualData(user.model),
  };
}

const settings = new Set<keyof AccountsDefinition>([
  ...(['name', 'userModel', 'user', 'signUp', 'guests', 'roles', 'defaultRoles', 'providers', 'redirects'] as const),
  ...([
    'password',
    'session',
    'verifyEmail',
    'beforeSignUp',
    'afterSignIn',
    'claims',
    'mails',
    'personalData',
  ] as const),
]);

/** @throws StartupError for what is no setting, and for mails that are never sent: misspelt, they would be passed over in silence */
function checkKeys(definition: AccountsDefinition): void {
  const refuse = (what: string): never => {
    throw new StartupError(`app/accounts.ts: ${what}`, 'correct it; docs/accounts.md lists the settings');
  };
  for (const name of Object.keys(definition))
    if (!settings.has(name as keyof AccountsDefinition)) refuse(`${name} is no setting`);
  for (const kind of Object.keys(definition.mails ?? {}))
    if (!isMailTemplate(kind)) refuse(`mails.${kind} is no mail that is sent`);
  const { signUp = 'open' } = definition;
  if (!['open', 'invited', 'closed'].includes(signUp)) refuse(`signUp is ${signUp}: say open, invited or closed`);
}

function within(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw new StartupError(`app/accounts.ts: ${name} is ${value}`, `say a number from ${least} to ${most}`);
}

/** The address and the name go where the model has them: what a guest has neither of, and is required, is made up. */
const usualData =
  (model: Model) =>
  ({ email, name }: NewUser): Record<string, unknown> => {
    const text = (field: string) =>
      model.columns.find((c) => c.name === field && c.type.kind === 'scalar' && c.type.name === 'String' && !c.isList);
    const [address, label] = [text('email'), text('name')];
    const made = `guest-${crypto.randomUUID()}`;
    const given = { email: email ?? (address?.isRequired ? `${made}@guest.invalid` : undefined) };
    return {
      ...(address && given.email !== undefined && { email: given.email }),
      ...(label && { name: (name ?? email?.split('@')[0] ?? 'Guest').slice(0, 100) }),
    };
  };

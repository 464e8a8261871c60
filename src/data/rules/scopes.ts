/**
 * Scopes: what an API key may be used for, besides what its owner may. They only ever take away: `read:Task` reads the tasks that
 * the owner may read, and nothing else. Models are called as in app/rules.ts.
 */
import type { RuleSlot } from './verdicts.ts';

const changes = ['create', 'update', 'delete'];
const actions = ['read', 'write', ...changes];

/** Models of accounts, which no general scope opens: only `accounts`, or one that names them. */
const ofAccounts = /^Auth(Account|Session|Identity|Passkey|Device|ApiKey|Event)$/;

/** Whether a text is a scope; `models` are those that there are. */
export function isScope(text: string, models: { has(name: string): boolean }): boolean {
  if (text === '*' || text === 'accounts' || text === 'admin') return true;
  const [action = '', model, ...others] = text.split(':');
  return actions.includes(action) && others.length === 0 && (model === undefined || models.has(model));
}

/** Whether scopes contain all that another one is good for. */
export function covers(scopes: readonly string[], wanted: string): boolean {
  if (scopes.includes(wanted)) return true;
  if (wanted === '*' || wanted === 'accounts' || wanted === 'admin') return false;
  const [action = '', model] = wanted.split(':');
  const isChange = changes.includes(action);
  if (model !== undefined) {
    if (isChange && scopes.includes(`write:${model}`)) return true;
    if (ofAccounts.test(model)) return scopes.includes('accounts');
    if (action === 'write' && changes.every((change) => covers(scopes, `${change}:${model}`))) return true;
  }
  return scopes.includes('*') || scopes.includes(action) || (isChange && scopes.includes('write'));
}

/** Whether a rule may be asked at all; of a field its row's rule is what counts. */
export function isInScope(scopes: readonly string[] | undefined, slot: RuleSlot): boolean {
  return scopes === undefined || slot.includes('.') || covers(scopes, slot);
}

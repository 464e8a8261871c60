import { setTimeout } from 'node:timers/promises';
import { type Application, createApplication, readSources } from '../../application.ts';
import { readConfig } from '../../config/config.ts';
import type { Model } from '../../data/model/datamodel.ts';
import type { UntypedModelRules } from '../../data/rules/rule-set.ts';
import { type RuleSlot, type Verdict, verdictsFor } from '../../data/rules/verdicts.ts';
import type { RulesOptions } from '../rules.ts';
import { matchesNothing } from './matches-nothing.ts';
import { isRole, type SampleViewer, sampleViewers, signedIn } from './sample-viewers.ts';
import { whereText } from './where-text.ts';

/** What one rule comes to, by viewer: `all`, `none`, a condition, or `throws`. */
type Cells = Record<string, string>;

/** A model's rules by their names, `read` or `read title`, and how it stands in the API. */
interface ModelMatrix {
  note?: string;
  rules: Record<string, Cells>;
}

/** The rules of a project as text or JSON. Needs no database. */
export async function printRules(root: string, options: RulesOptions): Promise<string> {
  const limits = { tokens: 0, depth: 0, aliases: 0, pageSize: 0, maxPageSize: 0, answerBytes: 0 };
  const application = createApplication(await readSources(root), { limits, planCacheSize: 1 });
  // The environment matters only where roles are named: one of them may be that of admins.
  const adminRole = options.role ? readConfig(undefined, root).tokens.adminRole : '';
  return describeRules(application, options, adminRole);
}

/** The rules of an application as text or JSON: the same for the same rules, whenever it is asked. */
export async function describeRules(
  { datamodel, rules }: Pick<Application, 'datamodel' | 'rules'>,
  options: RulesOptions,
  adminRole: string,
): Promise<string> {
  const { viewers, placeholders } = sampleViewers(options, adminRole);
  const models = [...datamodel.models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const ask = () => viewers.map((sample) => askAll(sample, models, rules));
  const first = ask();
  // Long enough for every clock: what depends on the time shows by that.
  await setTimeout(5);
  const second = ask();
  const matrix = models.map((model): [string, ModelMatrix] => {
    const own = slotsOf(model, rules[model.name]).map(([name, slot]): [string, Cells] => {
      const cells = viewers.map(({ label }, i): [string, string] => {
        const [{ verdict, at }, again] = [first[i]!.get(slot)!, second[i]!.get(slot)!];
        if (typeof verdict !== 'object')
          return [label, verdict === true ? 'all' : verdict === false ? 'none' : verdict];
        if (Object.keys(verdict).length === 0) return [label, 'all'];
        if (matchesNothing(datamodel, model, verdict)) return [label, 'none'];
        return [label, whereText(verdict, again.verdict, at, placeholders)];
      });
      return [name, Object.fromEntries(cells)];
    });
    const note = noteOf(rules[model.name]);
    return [model.name, { ...(note && { note }), rules: Object.fromEntries(own) }];
  });
  if (options.json) return `${JSON.stringify(Object.fromEntries(matrix), null, 2)}\n`;
  return [heading, ...matrix.map(([name, model]) => textOf(name, model))].join('\n');
}

/** What a rule came to, or that it threw, and when it was asked. */
interface Asked {
  verdict: Verdict | 'throws';
  at: number;
}

function askAll({ viewer }: SampleViewer, models: readonly Model[], rules: Application['rules']): Map<RuleSlot, Asked> {
  const verdicts = verdictsFor(viewer, rules);
  const ask = (slot: RuleSlot): Asked => {
    const at = Date.now();
    try {
      return { verdict: verdicts.of(slot), at };
    } catch {
      return { verdict: 'throws', at };
    }
  };
  const slots = models.flatMap((model) => slotsOf(model, rules[model.name]));
  return new Map(slots.map(([, slot]) => [slot, ask(slot)]));
}

/** The rules of a model: every action, and what is said of fields. */
function slotsOf({ name, isView }: Model, rules: UntypedModelRules | undefined): [name: string, slot: RuleSlot][] {
  const actions =
    isView || (rules?.api && rules.api.readOnly)
      ? (['read'] as const)
      : (['read', 'create', 'update', 'delete'] as const);
  const fields = Object.keys(rules?.fields ?? {}).sort();
  return [
    ...actions.map((action): [string, RuleSlot] => [action, `${action}:${name}`]),
    ...fields.flatMap((field) =>
      (['read', 'write'] as const)
        .filter((kind) => rules!.fields![field]![kind] !== undefined)
        .map((kind): [string, RuleSlot] => [`${kind} ${field}`, `${kind}:${name}.${field}`]),
    ),
  ];
}

function noteOf({ api, defaults, version }: UntypedModelRules = {}): string | undefined {
  if (api === false) return 'not in the API';
  const filled = Object.keys(defaults ?? {}).sort();
  const notes = [
    ...(api?.omit?.length ? [`without ${[...api.omit].sort().join(', ')}`] : []),
    ...(filled.length > 0 ? [`fills ${filled.join(', ')}`] : []),
    ...(version ? [`counts ${version}`] : []),
  ];
  return notes.length > 0 ? notes.join('; ') : undefined;
}

const heading = `# What the rules come to: all rows, none, or those that match. The admin role may do everything.
# A role that is not named has what everybody has who is signed in. Printed by npx millrace rules.
`;

/** @NOTE nothing is aligned: a longer name in one line would change the others. */
function textOf(name: string, { note, rules }: ModelMatrix): string {
  const lines = Object.entries(rules).flatMap(([rule, cells]) => {
    const [first, ...others] = Object.values(cells);
    if (others.every((other) => other === first)) return [`  ${rule}: ${first}`];
    const shown = Object.entries(cells).filter(([label, cell]) => !isRole(label) || cell !== cells[signedIn]);
    return [`  ${rule}`, ...shown.map(([label, cell]) => `    ${label}: ${cell}`)];
  });
  return `${[note ? `${name} (${note})` : name, ...lines].join('\n')}\n`;
}

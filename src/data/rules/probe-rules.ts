import { MillraceError, StartupError } from '../../errors.ts';
import { viewerOf } from '../../viewer.ts';
import type { Api } from '../api/api-model.ts';
import type { Datamodel } from '../model/datamodel.ts';
import { createCompiler, ruleCondition } from '../planner/compiler.ts';
import type { RuleSet } from './rule-set.ts';
import { NoVerdict, type RuleSlot, verdictsFor } from './verdicts.ts';

/** Somebody who does not exist: what a rule returns for them is looked at, not used. */
const sample = viewerOf({ sub: '00000000-0000-4000-8000-000000000000', role: 'sample' }, '');

/**
 * Asks every rule once on behalf of nobody, and writes what it returns as SQL, so that a field or operator that does not
 * exist is found now and not by the first client. A rule that throws for such a viewer is left to those it is meant for.
 * @throws StartupError naming every rule that cannot be applied
 */
export function probeRules(rules: RuleSet, api: Api, datamodel: Datamodel, file = 'app/rules.ts'): void {
  const verdicts = verdictsFor(sample, rules);
  const problems = [...datamodel.models.values()].flatMap((model) => {
    const own = rules[model.name];
    if (!own) return [];
    const actions = (['read', 'create', 'update', 'delete'] as const).filter((action) => own[action] !== undefined);
    const slots: RuleSlot[] = [
      ...actions.map((action): RuleSlot => `${action}:${model.name}`),
      ...Object.keys(own.fields ?? {}).flatMap((field): RuleSlot[] => [
        `read:${model.name}.${field}`,
        `write:${model.name}.${field}`,
      ]),
    ];
    const limits = { pageSize: 1, maxPageSize: 1, answerBytes: 1, placeMark: '' };
    return slots.flatMap((slot) => {
      const c = createCompiler({ api, datamodel, verdicts, variables: {}, limits });
      try {
        ruleCondition(c, slot, model, 't');
        return [];
      } catch (error) {
        if (error instanceof NoVerdict) return [error.message];
        const cause = error instanceof Error ? error.cause : undefined;
        return cause instanceof MillraceError ? [cause.message] : [];
      }
    });
  });
  if (problems.length === 0) return;
  throw new StartupError(
    `${file} returns what cannot be applied:\n${problems.map((p) => `  ${p}`).join('\n')}`,
    'return true, false or filters of what is in prisma/*.prisma; the compiler knows what fits: npx tsc -p app',
  );
}

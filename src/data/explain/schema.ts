import type { Builder } from '../../graphql/builder.ts';
import type { Viewer } from '../../viewer.ts';
import type { Api } from '../api/api-model.ts';
import { measureCost } from '../api/outputs.ts';
import { type AccessExplanation, type ExplainedRules, explainAccess } from './explain-access.ts';
import type { PartAnswer, RuleVerdict } from './rule-answers.ts';
import type { RuleJoin } from './rule-parts.ts';
import { shownWhere } from './shown-where.ts';

/** What is explained, and whether to everybody or to the admin role alone. */
export interface Explaining extends ExplainedRules {
  isOpen: boolean;
}

/** What an explanation has lists of. */
type Explained = { [Key in 'rules' | 'fields']: AccessExplanation[Key][number] };

/** Adds the query that tells why something is allowed or refused. */
export function explainSchema(builder: Builder, api: Api, explaining: Explaining): void {
  const action = addAction(builder, api);
  const question = addQuestion(builder, api, action);
  const explanation = addExplanation(builder, api, action);
  builder.queryField('explainAccess', (t) =>
    t.field({
      type: explanation,
      nullable: false,
      description:
        'Whether a viewer may do something with a row, and which rule decides. Open to the admin role; on the embedded development server to everybody.',
      args: { input: t.arg({ type: question, required: true, description: 'Who would do what, to which row.' }) },
      extensions: { access: ({ isAdmin }: Viewer) => isAdmin || explaining.isOpen, cost: measureCost },
      resolve: (_root, { input }, context, info) => explainAccess(context, explaining, info.schema, input),
    }),
  );
}

/** An enum whose values are words of ours, each with its meaning. */
const addWords = <Word extends string>(builder: Builder, name: string, description: string, of: Record<Word, string>) =>
  builder.enumType(name, {
    description,
    values: Object.fromEntries(
      Object.entries<string>(of).map(([word, meaning]) => [word, { description: meaning }]),
    ) as Record<Word, { description: string }>,
  });

const verdicts: Record<RuleVerdict, string> = {
  OPEN: 'For every row.',
  CLOSED: 'For none.',
  CONDITION: 'For the rows that match `condition`.',
  FAILED: 'The rule throws for this viewer, or returns what is no rule: requests are answered INTERNAL.',
};

const joins: Record<RuleJoin, string> = {
  ALL: 'Each of the parts beside it must hold.',
  ANY: 'One of the parts beside it is enough.',
  NONE: 'None of the parts beside it may hold.',
  SOME: 'Asked of one related row: each part asks what the one before it asks, and one thing more.',
};

function addAction(builder: Builder, api: Api) {
  return builder.enumType(api.typeName('AccessAction'), {
    description: 'What may be done with a row.',
    values: {
      READ: { value: 'read', description: 'To see it.' },
      CREATE: {
        value: 'create',
        description: 'To make it; the row that is named is judged as if it had just been made.',
      },
      UPDATE: {
        value: 'update',
        description: 'To change it; it is judged as it is, and the rule asked again after the change.',
      },
      DELETE: { value: 'delete', description: 'To delete it.' },
    } as const,
  });
}

type ActionRef = ReturnType<typeof addAction>;

function addQuestion(builder: Builder, api: Api, action: ActionRef) {
  const json = api.typeName('JSON') as 'JSON';
  const viewer = builder.inputType(api.typeName('ExplainViewerInput'), {
    description: 'Somebody, as a token would speak of them. Without a word about them: a stranger.',
    fields: (t) => ({
      id: t.string({ description: 'The token’s `sub`, which rules know as `viewer.id`.' }),
      role: t.string({ description: 'The token’s `role`.' }),
      claims: t.field({ type: json, description: 'An object of what else the token says.' }),
    }),
  });
  return builder.inputType(api.typeName('ExplainAccessInput'), {
    description: 'Who would do what, to which row.',
    fields: (t) => ({
      viewer: t.field({ type: viewer, description: 'Who; whoever asks, unless it is said.' }),
      model: t.string({ required: true, description: 'The model, by the name of its type.' }),
      action: t.field({ type: action, required: true, description: 'What they would do.' }),
      where: t.field({
        type: json,
        description:
          'The row, by a unique key as its `WhereUniqueInput` has it, whoever may see it. Without one: what the rules come to for the viewer.',
      }),
      field: t.string({ description: 'A field that is read, or set by CREATE or UPDATE.' }),
    }),
  });
}

function addExplanation(builder: Builder, api: Api, action: ActionRef) {
  const rule = addRule(builder, api);
  const field = builder.objectRef<Explained['fields']>(api.typeName('FieldAccess')).implement({
    description: 'What the rules of one field alone come to for the viewer; those of the row are asked besides.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: 'The field.' }),
      read: t.exposeBoolean('read', { description: `Whether its value may be read. ${dependsOnRow}` }),
      write: t.exposeBoolean('write', { description: `Whether it may be set. ${dependsOnRow}` }),
    }),
  });
  return builder.objectRef<AccessExplanation>(api.typeName('AccessExplanation')).implement({
    description: 'Whether something is allowed, and why.',
    fields: (t) => ({
      allowed: t.exposeBoolean('allowed', { description: `Whether it is allowed. ${dependsOnRow}` }),
      reason: t.exposeString('reason', { nullable: false, description: 'Why, in a sentence.' }),
      rule: t.exposeString('rule', {
        description: 'The rule that decided, as `update:Task` or `write:Task.title`; null where none did.',
      }),
      error: t.exposeString('error', {
        description:
          'The code that the viewer’s own request fails with; null where it does not, as what is hidden from a reader is not there.',
      }),
      exists: t.exposeBoolean('exists', { description: 'Whether the row is there; null where none is named.' }),
      model: t.exposeString('model', { nullable: false, description: 'The model.' }),
      action: t.field({ type: action, nullable: false, description: 'What would be done.', resolve: (e) => e.action }),
      rules: t.field({
        type: [rule],
        nullable: false,
        description: 'The rules that are asked, in their order: whether the row is seen, the action’s, the field’s.',
        resolve: (e) => [...e.rules],
      }),
      fields: t.field({
        type: [field],
        nullable: false,
        description: 'The model’s fields.',
        resolve: (e) => [...e.fields],
      }),
    }),
  });
}

const dependsOnRow = 'Null where it depends on the row, and there is none.';

function addRule(builder: Builder, api: Api) {
  const json = api.typeName('JSON') as 'JSON';
  const verdict = addWords(builder, api.typeName('RuleVerdict'), 'What a rule came to for the viewer.', verdicts);
  const join = addWords(builder, api.typeName('RuleJoin'), 'What parts of a condition are to one another.', joins);
  const truth = 'Null where there is no row, or where it is neither true nor false, which counts as not holding.';
  const part = builder.objectRef<PartAnswer>(api.typeName('RulePart')).implement({
    description: 'A part of a rule’s condition. Parts of a part follow it, and have a longer path.',
    fields: (t) => ({
      path: t.exposeString('path', { nullable: false, description: 'The way to it, as `OR.1.project`.' }),
      joined: t.field({
        type: join,
        nullable: false,
        description: 'What it and the parts beside it are to one another.',
        resolve: (p) => p.joined,
      }),
      holds: t.exposeBoolean('holds', { description: `Whether it holds for the row. ${truth}` }),
      condition: t.field({
        type: json,
        nullable: false,
        description: 'It as a `where` of the rule’s model.',
        resolve: (p) => shownWhere(p.condition),
      }),
    }),
  });
  return builder.objectRef<Explained['rules']>(api.typeName('RuleExplanation')).implement({
    description: 'A rule as it comes out for the viewer and the row.',
    fields: (t) => ({
      rule: t.exposeString('rule', { nullable: false, description: 'Its name, as `update:Task`.' }),
      isDeclared: t.exposeBoolean('isDeclared', {
        nullable: false,
        description: 'Whether it is written down. An action’s that is not is closed, a field’s is open.',
      }),
      verdict: t.field({
        type: verdict,
        nullable: false,
        description: 'What it came to for the viewer.',
        resolve: (r) => r.verdict,
      }),
      holds: t.exposeBoolean('holds', { description: `Whether it holds for the row. ${truth}` }),
      condition: t.field({
        type: json,
        description:
          'Of CONDITION: the `where` that it returned, in the words of prisma/; `{ "$undefined": true }` matches no row.',
        resolve: (r) => (r.condition ? shownWhere(r.condition) : null),
      }),
      parts: t.field({
        type: [part],
        nullable: false,
        description: 'What the condition consists of, down to single conditions; none where it is one.',
        resolve: (r) => [...r.parts],
      }),
    }),
  });
}

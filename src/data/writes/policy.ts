import { v7 } from 'uuid';
import { type FieldProblem, MillraceError } from '../../errors.ts';
import type { Viewer } from '../../viewer.ts';
import type { ApiModel } from '../api/api-model.ts';
import { type ColumnField, identifyingFields, type Model } from '../model/datamodel.ts';
import { encoderOf } from '../planner/encode.ts';
import type { RowWrite } from './assignments.ts';
import type { RowKey } from './run.ts';

/**
 * What a model asks of its writes besides its rules. Rules say who may write; this says what is written, whoever does, the
 * admin role too. Fields go by their names in the schema.
 */
export interface WritePolicy {
  /** Fields that no client sets. */
  ours: ReadonlySet<string>;
  /** Fields that are set when a row is made, and never again. */
  lasting: ReadonlySet<string>;
  /** Fields of `ours` that grow by one with each change. */
  counted: ReadonlySet<string>;
  /** The field, of text, that tells a row from others like it: who may make none like it is not told that it is taken. */
  name: string;
  /** Values of fields that the writer of a new row may leave out. */
  fill(viewer: Viewer): Readonly<Record<string, string | null>>;
  /** What is wrong with a row, of which its key and what is written of it is known; paths begin with the field. */
  check(row: ReadonlyMap<string, unknown>): FieldProblem[];
}

/** Policies by the model's name. */
export type WritePolicies = ReadonlyMap<string, WritePolicy>;

/** Fills what the writer of a new row left out. */
export function fillByPolicy({ model, policy }: ApiModel, write: RowWrite, viewer: Viewer): void {
  for (const [name, value] of Object.entries(policy?.fill(viewer) ?? {})) {
    const field = columnNamed(model, name);
    if (write.columns.has(field)) continue;
    write.columns.set(field, { value: value === null ? null : encoderOf(field)(value, name) });
  }
}

/** Gives a new row a name that nothing has. */
export function renameByPolicy({ model, policy }: ApiModel, write: RowWrite): void {
  if (policy) write.columns.set(columnNamed(model, policy.name), { value: v7() });
}

/**
 * Holds the written row to the policy.
 * @NOTE after the rules: what a row must be like is told to those who may write it.
 * @throws INVALID_INPUT naming what does not fit
 */
export function requireFit({ model, policy, nameOf }: ApiModel, write: RowWrite, key: RowKey, path: string): void {
  if (!policy) return;
  const written = [...write.columns].flatMap(([field, a]): [string, unknown][] =>
    'value' in a ? [[field.name, a.value]] : [],
  );
  const keys = identifyingFields(model).map((field, i): [string, unknown] => [field.name, key[i]]);
  const problems = policy.check(new Map([...keys, ...written]));
  if (problems.length === 0) return;
  const fields = problems.map(({ path: at, message }) => {
    const [name, ...rest] = at.split('.');
    return { path: [path, nameOf.get(name!) ?? name, ...rest].join('.'), message };
  });
  throw new MillraceError('INVALID_INPUT', fields.map((f) => `${f.path} ${f.message}`).join('; '), { fields });
}

function columnNamed(model: Model, name: string): ColumnField {
  const field = model.fields.get(name);
  if (field?.kind !== 'column') throw new Error(`${model.name} has no column ${name}, of which its policy speaks`);
  return field;
}

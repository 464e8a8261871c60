import type { RuledWorld } from '../../model/access.ts';
import type { ColumnType, ModelShape, Relation } from '../../model/world.ts';

/** A relation, by where its key stands: in this row, in the other one, or in a join table. */
export type Link =
  | { kind: 'own'; to: string; local: string; remote: string; onDelete: 'Cascade' | 'SetNull' | 'Restrict' }
  | { kind: 'foreign'; to: string; inverse: string; isList: boolean }
  | { kind: 'join'; to: string; table: string; here: 'A' | 'B'; there: 'A' | 'B' };

/** What a write needs to know of a model besides what a read does. */
export interface WriteShape extends ModelShape {
  nullable: ReadonlySet<string>;
  /** Values that the database puts where nothing is given. */
  defaults: Readonly<Record<string, unknown>>;
  /** Keys besides the first. */
  uniques: readonly (readonly string[])[];
  links: Readonly<Record<string, Link>>;
}

/** All models, by their names. */
export type WriteSchema = Readonly<Record<string, WriteShape>>;

/** What the rules of a model say besides who may do what. */
export interface WriteRules {
  defaults?: Readonly<Record<string, unknown>>;
  version?: string;
}

/** A world that can be written. */
export interface WrittenWorld extends RuledWorld {
  schema: WriteSchema;
}

/** A model in few words: its columns with their types (`?`: may be null), its links. */
export function shape(
  columns: Readonly<Record<string, ColumnType | `${ColumnType}?`>>,
  links: Readonly<Record<string, Link>>,
  { key = ['id'], uniques = [], defaults = {} }: Partial<Pick<WriteShape, 'key' | 'uniques' | 'defaults'>> = {},
): WriteShape {
  const types = Object.entries(columns).map(([name, type]) => [name, type.replace('?', '') as ColumnType] as const);
  const nullable = Object.keys(columns).filter((name) => columns[name]!.endsWith('?'));
  return {
    key,
    uniques,
    defaults,
    links,
    columns: Object.fromEntries(types),
    nullable: new Set(nullable),
    relations: {},
  };
}

/** A schema whose relations are spelt for reading, too. */
export function schemaOf(models: Readonly<Record<string, WriteShape>>): WriteSchema {
  const relation = (link: Link): Relation => {
    if (link.kind === 'own') return { to: link.to, isList: false, by: [[link.local, link.remote]] };
    if (link.kind === 'join') {
      return { to: link.to, isList: true, through: { rows: link.table, here: link.here, there: link.there } };
    }
    const inverse = models[link.to]!.links[link.inverse]!;
    if (inverse.kind !== 'own') throw new Error(`${link.to}.${link.inverse} holds no key`);
    return { to: link.to, isList: link.isList, by: [[inverse.remote, inverse.local]] };
  };
  return Object.fromEntries(
    Object.entries(models).map(([name, model]) => {
      const relations = Object.entries(model.links).map(([field, link]) => [field, relation(link)] as const);
      return [name, { ...model, relations: Object.fromEntries(relations) }];
    }),
  );
}

/** The link at the other end that holds the key of a foreign one. */
export function keyHolder(schema: WriteSchema, link: Link): Extract<Link, { kind: 'own' }> {
  const inverse = link.kind === 'foreign' ? schema[link.to]!.links[link.inverse] : undefined;
  if (inverse?.kind !== 'own') throw new Error('no key at the other end');
  return inverse;
}

/**
 * Changes of a model's rows, judged and told: one statement takes entries of the log and, for many viewers at once, says
 * who hears of which, as what, and in which words.
 *
 * Terms: an *image* is a row as it was before or after its change, read from the log; a row is *seen* in an image when the
 * rule for reading lets it through, and *matches* when the client's filter does too; a *class* is one set of values of
 * everything that rules and filter depend on. Viewers of one class hear the same, in the same words.
 */
import type { FieldNode } from 'graphql';
import type { ApiModel } from '../api/api-model.ts';
import { type ColumnField, identifyingFields, type TableName } from '../model/datamodel.ts';
import type { RuleSlot } from '../rules/verdicts.ts';
import { fieldArguments } from './arguments.ts';
import { type Parameters, parametrise } from './classes.ts';
import { type Compiler, column, createCompiler, readingFrom, visible } from './compiler.ts';
import { outputSql } from './output.ts';
import type { PlannedField } from './plan.ts';
import { objectSql, objectType, rowColumns, type SelectionCompiler } from './row.ts';
import { collectFields, type Surroundings, setsOf } from './selection.ts';
import { compileSight, type Sight } from './sight.ts';
import { all, identifier, literal, tableRef } from './statement.ts';
import { compileWhere } from './where.ts';

/**
 * A subscription to one model's changes, ready to judge entries for any number of classes. Of its statement `$1` … `$6` are the
 * entries (seq, kind, at, transaction, old, new, as arrays), `$7` deletions that belong to them, `$8` the classes; it yields
 * seq, the numbers of the classes that hear of it, and the JSON text of the answer.
 */
export interface ChangePlan extends Parameters {
  model: ApiModel;
  /** Name of the GraphQL type that a change has. */
  typeName: string;
  /** The response key of the root field. */
  key: string;
  /** What is selected of a change: response keys with the fields' names. */
  selection: readonly (readonly [key: string, name: string])[];
  slots: readonly RuleSlot[];
  /** What else the rule for reading looks at. */
  sight: Sight;
  /** Tables that rules and filter look at besides the row itself: those whose deleted rows belong to an old image. */
  deletedIn: readonly TableName[];
  hasCustomFields: boolean;
}

/** Stands in an answer where the entry's cursor belongs; no text of a client's holds it by chance. */
export interface ChangeMarks {
  cursor: string;
}

/** How many parameters a change's statement has before those of a class. */
export const entryParameters = 8;

const [newRow, oldRow] = ['t1', 't2'];

/** Writes the statement that tells this model's changes as the field's selection asks for them. */
export function compileChange(
  given: Pick<Compiler, 'api' | 'datamodel' | 'verdicts' | 'variables' | 'limits'>,
  at: Surroundings,
  model: ApiModel,
  field: PlannedField,
  marks: ChangeMarks,
): ChangePlan {
  const c: SelectionCompiler = { ...createCompiler(given), at, hasCustomFields: false, needsExecutor: false };
  c.statement.alias(model.model.table);
  c.statement.alias(model.model.table);
  const args = fieldArguments(field.nodes[0]!, field.definition!.args, c.variables);
  const deletedIn = new Map<string, TableName>();
  const asTheyWere = rowsAsTheyWere(deletedIn);
  c.rowsAround.set(oldRow, asTheyWere).set(newRow, tableRef);
  const seen = (alias: string) => visible(c, model.model, alias, 'client');
  const matching = (alias: string) =>
    all([seen(alias), compileWhere(c, model.model, alias, args.get('where'), 'client')]);
  const judged = [
    `${isThere('new', seen(newRow))} as seen`,
    `${isThere(
      'old',
      readingFrom(c, asTheyWere, () => matching(oldRow)),
    )} as matched`,
    `${isThere('new', matching(newRow))} as matches`,
    `${changedNames(c, model)} as changed`,
  ];
  const types = args.get('events');
  const wanted =
    types.now === undefined || types.now === null ? 'true' : `d.type = any(${c.statement.bind(types)}::text[])`;
  const columns = changeColumns(c, model, field.nodes, marks);
  const answer = `json_build_object(${literal(field.key)}, ${objectSql(columns, '')})::text`;
  const table = tableRef(model.model.table);
  const text = (classes: string) => `
    select s.seq, array_agg(s.class), s.answer from (
      select e.seq, k.n as class, ${answer} as answer
      from unnest($1::int8[], $2::text[], $3::timestamptz[], $4::text[], $5::json[], $6::json[]) e(seq, kind, at, xid, old, new)
      cross join (select $7::json as rows) gone
      cross join ${classes}
      cross join lateral json_populate_record(null::${table}, e.new) ${newRow}
      cross join lateral json_populate_record(null::${table}, e.old) ${oldRow}
      cross join lateral (select ${judged.join(', ')} offset 0) v
      cross join lateral (select ${typeSql} as type, ${reasonSql} as reason offset 0) d
      where d.type is not null and ${wanted}
    ) s group by s.seq, s.answer order by s.seq`;
  const parameters = parametrise(c.statement, entryParameters, text);
  const selected = collectFields(c.at, objectType(c, c.api.typeName(`${model.name}Change`)), setsOf(field.nodes));
  return {
    model,
    typeName: c.api.typeName(`${model.name}Change`),
    key: field.key,
    selection: [...selected].map(([key, same]) => [key, same[0]!.name.value]),
    ...parameters,
    slots: [...c.slots],
    sight: compileSight(given, model, field),
    deletedIn: [...deletedIn.values()],
    hasCustomFields: c.hasCustomFields,
  };
}

/**
/**
 * What the old image's rules and filter read from, which notes each table: the rows as they were, with those that the same
 * transaction has deleted, or nobody would hear of what goes together with its parent.
 */
const rowsAsTheyWere =
  (tables: Map<string, TableName>): Compiler['rowsOf'] =>
  (table) => {
    const key = `${table.schema}.${table.name}`;
    tables.set(key, table);
    const name = tableRef(table);
    return `(select * from ${name} union all select (json_populate_record(null::${name}, g->'old')).*
      from json_array_elements(gone.rows) g where g->>'table' = ${literal(key)} and g->>'xid' = e.xid)`;
  };

const isThere = (image: 'old' | 'new', condition: string): string =>
  `(e.${image} is not null and coalesce(${condition}, false))`;

const typeSql = `case
  when v.matched and v.matches then case when cardinality(v.changed) > 0 then 'UPDATED' end
  when v.matches then case when e.kind = 'insert' then 'CREATED' else 'ENTERED' end
  when v.matched then case when e.kind = 'delete' then 'DELETED' else 'REMOVED' end end`;

const reasonSql = `case when v.matched and not v.matches and e.kind <> 'delete' then case when v.seen then 'FILTERED' else 'HIDDEN' end end`;

/** Names of the fields whose value, as the viewer may know it, differs: what is hidden from them has not changed for them. */
function changedNames(c: Compiler, model: ApiModel): string {
  const names = [...model.fields].flatMap(([name, field]) => {
    if (field.kind !== 'column') return [];
    const [after, before] = [newRow, oldRow].map(
      (alias) => `(${column(c, model.model, alias, field, 'client')})::text`,
    );
    return [`case when ${after} is distinct from ${before} then ${literal(name)} end`];
  });
  return `case when e.kind = 'update' then array_remove(array[${names.join(', ')}]::text[], null) else '{}'::text[] end`;
}

function changeColumns(c: SelectionCompiler, model: ApiModel, nodes: readonly FieldNode[], marks: ChangeMarks): string {
  const typeName = c.api.typeName(`${model.name}Change`);
  const fields = collectFields(c.at, objectType(c, typeName), setsOf(nodes));
  const row = (alias: string, same: readonly FieldNode[]) => objectSql(rowColumns(c, model.model, alias, same), '');
  const columns = [...fields].map(([key, same]) => {
    const part = () => {
      switch (same[0]!.name.value) {
        case 'type':
          return 'd.type';
        case 'reason':
          return 'd.reason';
        case 'at':
          return 'e.at';
        case 'cursor':
          return `${literal(marks.cursor)}::text`;
        case 'changedFields':
          return `case when d.type = 'UPDATED' then to_json(v.changed) end`;
        case 'key':
          return `case when d.type in ('DELETED', 'REMOVED') then ${keySql(c, model, oldRow, same)} else ${keySql(c, model, newRow, same)} end`;
        case 'node':
          return `case when v.matches then ${row(newRow, same)} end`;
        case 'previous':
          return `case when d.type in ('UPDATED', 'DELETED') or d.reason = 'FILTERED' then ${row(oldRow, same)} end`;
        case '__typename':
          return `${literal(typeName)}::text`;
        default:
          c.hasCustomFields = true;
          return 'null';
      }
    };
    return `${part()} as ${identifier(key)}`;
  });
  return columns.join(', ');
}

/** The fields by which a change names its row: of its key, those that are in the API. */
export const keyFields = (model: ApiModel): [name: string, field: ColumnField][] =>
  identifyingFields(model.model).flatMap((field): [string, ColumnField][] => {
    const name = model.nameOf.get(field.name);
    return name === undefined ? [] : [[name, field]];
  });

function keySql(c: SelectionCompiler, model: ApiModel, alias: string, nodes: readonly FieldNode[]): string {
  const typeName = c.api.typeName(`${model.name}Key`);
  const byName = new Map(keyFields(model));
  const columns = [...collectFields(c.at, objectType(c, typeName), setsOf(nodes))].map(([key, same]) => {
    const field = byName.get(same[0]!.name.value);
    const sql = field ? outputSql(field, column(c, model.model, alias, field, 'client')) : `${literal(typeName)}::text`;
    return `${sql} as ${identifier(key)}`;
  });
  return objectSql(columns.join(', '), '');
}

/**
 * What a change elsewhere does to the sight of a model's rows: a member who is put out of a workspace sees its tasks no more,
 * though no task has changed. One statement for each table that the rule looks at says for which classes of viewers an entry
 * of that table lets any row of the model in or out of sight.
 *
 * It asks the rule twice, with the entry's row as it was and as it is now, of those rows only that the entry's row leads to: the
 * rule is followed from the entry's row back to them (`touching` in `where.ts`), once for each place where it names the table.
 */

import type { ApiModel } from '../api/api-model.ts';
import type { Datamodel, TableName } from '../model/datamodel.ts';
import { identifyingFields } from '../model/datamodel.ts';
import { fieldArguments } from './arguments.ts';
import { type Parameters, parametrise } from './classes.ts';
import { type Compiler, createCompiler, visible } from './compiler.ts';
import { type Dependency, dependenciesOf } from './dependencies.ts';
import type { PlannedField } from './plan.ts';
import { all, identifier, literal, tableRef } from './statement.ts';
import { compileWhere } from './where.ts';

/**
 * The statement for one table: `$1` … `$4` are its entries (seq, transaction, old, new, as arrays), `$5` … `$8` what was made and
 * deleted of the model's own rows since (seq, transaction, kind, row), `$9` the place up to which that is known, `$10` the
 * classes. It yields seq and classes.
 */
export interface SightPlan extends Parameters {
  table: TableName;
}

/** What the rule for reading a model looks at besides its own row. */
export interface Sight {
  dependencies: readonly Dependency[];
  /** One for each table; none for a table whose rows have no key, of which nobody can tell which of them has changed. */
  plans: readonly SightPlan[];
}

/** How many parameters a sight's statement has before those of a class. */
export const sightParameters = 10;

type Given = Pick<Compiler, 'api' | 'datamodel' | 'verdicts' | 'variables' | 'limits'>;

const row = 't1';
const table = (c: Compiler, model: ApiModel) => c.statement.alias(model.model.table);

/** Writes the statements that tell when a viewer's sight of the model has changed. */
export function compileSight(given: Given, model: ApiModel, field: PlannedField): Sight {
  const c = createCompiler(given);
  table(c, model);
  const rule = visible(c, model.model, row, 'client');
  const reads = c.statement.readsOf(rule).filter(({ alias }) => alias !== row);
  const dependencies = dependenciesOf(reads, c.pins, c.joins);
  const tables = new Map(dependencies.map((d) => [tableRef(d.table), d.table]));
  const plans = [...tables.values()].flatMap((t) => {
    const key = keyColumnsOf(given.datamodel, t);
    return key ? [compileFor(given, model, field, t, key)] : [];
  });
  return { dependencies, plans };
}

function compileFor(
  given: Given,
  model: ApiModel,
  field: PlannedField,
  other: TableName,
  key: readonly string[],
): SightPlan {
  const c = createCompiler(given);
  table(c, model);
  const name = tableRef(other);
  const image = (which: 'old' | 'new') =>
    `select * from json_populate_record(null::${name}, e.${which}) where e.${which} is not null`;
  const without = (which: 'old' | 'new') => {
    const same = key.map((column) => `x.${identifier(column)} = d.${identifier(column)}`).join(' and ');
    return `select d.* from ${name} d where not exists (select 1 from json_populate_record(null::${name}, e.${which}) x where ${same})`;
  };
  const before = `(${without('new')} union all ${image('old')})`;
  const after = `(${without('old')} union all ${image('new')})`;
  const [images, either] = [
    `(${image('old')} union all ${image('new')})`,
    `(select * from ${name} union all ${image('old')})`,
  ];
  const rule = (source: string) => {
    c.rowsOf = (t) => (tableRef(t) === name ? source : tableRef(t));
    return `coalesce(${visible(c, model.model, row, 'client')}, false)`;
  };
  const differs = `${rule(before)} <> ${rule(after)}`;
  /** The rows that the rule leads to from the entry's row in the place of that number; undefined when it names no such place. */
  const touched = (place: number): string | undefined => {
    let count = 0;
    const touching = { hit: false };
    c.touching = touching;
    c.rowsOf = (t) => {
      if (tableRef(t) !== name) return tableRef(t);
      count += 1;
      if (count - 1 !== place) return either;
      touching.hit = true;
      return images;
    };
    const condition = visible(c, model.model, row, 'client');
    c.touching = undefined;
    return count > place ? condition : undefined;
  };
  const places: string[] = [];
  for (let place = 0, condition = touched(0); condition !== undefined; condition = touched(++place))
    places.push(condition);
  c.rowsOf = tableRef;
  c.asksHidden = true;
  const filter = compileWhere(
    c,
    model.model,
    row,
    fieldArguments(field.nodes[0]!, field.definition!.args, c.variables).get('where'),
    'client',
  );
  // @NOTE the rows as they were then: what was made since tells of itself, and what was deleted since was still there; what
  // went in the same transaction tells of itself as well.
  const own = tableRef(model.model.table);
  const since = (kind: 'insert' | 'delete') =>
    `select r.* from later l cross join lateral json_populate_record(null::${own}, l.image) r
      where l.kind = '${kind}' and l.seq > e.seq${kind === 'delete' ? ' and l.xid <> e.xid' : ''}`;
  const isSame = identifyingFields(model.model).map(({ column: c }) => `x.${identifier(c)} = ${row}.${identifier(c)}`);
  const from = `from (select * from ${own} union all ${since('delete')}) ${row}`;
  const isOlder = `not exists (select 1 from (${since('insert')}) x where ${isSame.join(' and ')})`;
  const found = places.map(
    (condition) => `exists (select 1 ${from} where ${all([condition, filter])} and ${isOlder} and ${differs})`,
  );
  // @NOTE of what the node has not heard of yet, the statement sees the rows, and so it has to see where they come from.
  const unheard = `xid::text, case operation when 'I' then 'insert' else 'delete' end, coalesce(new, old)`;
  const { schema, name: tableName } = model.model.table;
  const isOwn = `relation = ${literal(`${schema}.${tableName}`)} and operation in ('I', 'D')`;
  const parameters = parametrise(
    c.statement,
    sightParameters,
    (classes) => `
    with later as (
      select * from unnest($5::int8[], $6::text[], $7::text[], $8::json[]) l(seq, xid, kind, image)
      union all select seq, ${unheard} from millrace.event_log
        where seq > $9::int8 and segment >= (select segment - 1 from millrace.event_head) and ${isOwn}
      union all select 9223372036854775807, ${unheard} from millrace.event_inbox where ${isOwn}
    )
    select e.seq, array_agg(k.n)
    from unnest($1::int8[], $2::text[], $3::json[], $4::json[]) e(seq, xid, old, new) cross join ${classes}
    where ${found.join(' or ')} group by e.seq`,
  );
  return { table: other, ...parameters };
}

/** The columns that tell the rows of a table apart; undefined when there are none. */
function keyColumnsOf(datamodel: Datamodel, { schema, name }: TableName): readonly string[] | undefined {
  for (const model of datamodel.models.values()) {
    if (model.table.schema === schema && model.table.name === name) {
      return model.uniqueKeys.length > 0 ? identifyingFields(model).map((f) => f.column) : undefined;
    }
  }
  return ['A', 'B']; // the join table of an implicit many-to-many relation
}

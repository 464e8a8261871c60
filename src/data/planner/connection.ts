import type { FieldNode } from 'graphql';
import { invalidInput } from '../../errors.ts';
import type { Model } from '../model/datamodel.ts';
import { apiModelOf } from './compiler.ts';
import { behindCursor, cursorSql, orderMark } from './cursor.ts';
import { compileOrder, type OrderTerm, orderSql, reversed } from './order.ts';
import { pageSizeSql } from './page-size.ts';
import { objectSql, objectType, rowColumns, type SelectionCompiler } from './row.ts';
import { collectFields, setsOf } from './selection.ts';
import { type Parent, sourceOf } from './source.ts';
import { identifier, literal } from './statement.ts';
import type { Value } from './value.ts';

/** Names inside the statement that neither a response key nor a need can have: one that is also a column's would mean the column. */
const row = '"  r"';
const rowNumber = '"  n"';
const rowCursor = '"  c"';

/** Everything about one list that its parts share. */
interface List {
  model: Model;
  alias: string;
  /** `from … where …` of all rows that the list is about, whatever the page. */
  source: string;
  terms: OrderTerm[];
  mark: string;
  isBackward: boolean;
  /** Conditions that put a row inside the page's bounds. */
  bounds: string[];
  after?: string;
  before?: string;
  limit: string;
}

/** A scalar sub-select that yields a connection object: nodes, edges, page information, total, as far as they are asked for. */
export function connectionSql(
  c: SelectionCompiler,
  model: Model,
  args: Value,
  nodes: readonly FieldNode[],
  parent?: Parent,
): string {
  const { name } = apiModelOf(c, model.name);
  const fields = collectFields(c.at, objectType(c, c.api.typeName(`${name}Connection`)), setsOf(nodes));
  const list = describeList(c, model, args, parent);
  const used = [...fields.values()].map((same) => same[0]!.name.value);
  const rows = new Rows(c, list, used);
  const columns = [...fields].map(
    ([key, same]) => `${connectionField(c, list, rows, name, same)} as ${identifier(key)}`,
  );
  if (columns.length === 0) return `'{}'::json`;
  return objectSql(columns.join(', '), rows.fromSql());
}

function describeList(c: SelectionCompiler, model: Model, args: Value, parent: Parent | undefined): List {
  const { alias, sql: source } = sourceOf(c, model, args.get('where'), parent);
  const terms = compileOrder(c, model, alias, args.get('orderBy'));
  const mark = orderMark(model.name, terms);
  const cursor = (value: Value, order: readonly OrderTerm[]) =>
    value.now === undefined || value.now === null ? undefined : behindCursor(c.statement, value, mark, order);
  const after = cursor(args.get('after'), terms);
  const before = cursor(args.get('before'), reversed(terms));
  const { limit, isBackward } = pageOf(c, args);
  const bounds = [after, before].filter((b) => b !== undefined);
  return {
    model,
    alias,
    source,
    terms,
    mark,
    isBackward,
    bounds,
    after,
    before,
    limit,
  };
}

function pageOf(c: SelectionCompiler, args: Value): Pick<List, 'limit' | 'isBackward'> {
  const [first, last] = [args.get('first'), args.get('last')];
  const isGiven = (value: Value) => value.now !== undefined && value.now !== null;
  if (isGiven(first) && isGiven(last)) throw invalidInput(last.path, 'give first or last, not both');
  const isBackward = isGiven(last);
  return { limit: pageSizeSql(c, isBackward ? last : first), isBackward };
}

/** One field of the connection: an expression over the page's rows, or a sub-select of its own. */
function connectionField(
  c: SelectionCompiler,
  list: List,
  rows: Rows,
  name: string,
  nodes: readonly FieldNode[],
): string {
  switch (nodes[0]!.name.value) {
    case 'nodes':
      return rows.aggregate(rows.node(nodes));
    case 'edges':
      return rows.aggregate(edgeSql(c, rows, name, nodes));
    case 'pageInfo':
      return pageInfoSql(c, list, rows, nodes);
    case 'totalCount':
      return `(select count(*) ${list.source})`;
    case '__typename':
      return literal(c.api.typeName(`${name}Connection`));
    default:
      c.hasCustomFields = true;
      c.needsExecutor = true;
      return 'null';
  }
}

function edgeSql(c: SelectionCompiler, rows: Rows, name: string, nodes: readonly FieldNode[]): string {
  const fields = collectFields(c.at, objectType(c, c.api.typeName(`${name}Edge`)), setsOf(nodes));
  const parts = [...fields].flatMap(([key, same]) => {
    const field = same[0]!.name.value;
    if (field === '__typename') return [literal(key), literal(c.api.typeName(`${name}Edge`))];
    return [literal(key), field === 'cursor' ? rows.cursor() : rows.node(same)];
  });
  return `json_build_object(${parts.join(', ')})`;
}

function pageInfoSql(c: SelectionCompiler, list: List, rows: Rows, nodes: readonly FieldNode[]): string {
  const beyond = (bound: string | undefined) =>
    bound ? `exists (select 1 ${list.source} and not (${bound}))` : 'false';
  const hasMore = () => `count(${rows.number()}) > ${list.limit}`;
  const cursorAt = (index: string) => `(array_agg(${rows.cursor()}) filter (where ${rows.inPage()}))[${index}]`;
  const fields = collectFields(c.at, objectType(c, c.api.typeName('PageInfo')), setsOf(nodes));
  const parts = [...fields].flatMap(([key, same]) => {
    const part = () => {
      switch (same[0]!.name.value) {
        case 'hasNextPage':
          return list.isBackward ? beyond(list.before) : `(${hasMore()} or ${beyond(list.before)})`;
        case 'hasPreviousPage':
          return list.isBackward ? `(${hasMore()} or ${beyond(list.after)})` : beyond(list.after);
        case 'startCursor':
          return cursorAt('1');
        case 'endCursor':
          return cursorAt(`count(*) filter (where ${rows.inPage()})`);
        default:
          return literal(c.api.typeName('PageInfo'));
      }
    };
    return [literal(key), part()];
  });
  return `json_build_object(${parts.join(', ')})`;
}

/** The page's rows: collects what is needed of each while the fields are written, then writes the select that yields them. */
class Rows {
  private readonly c: SelectionCompiler;
  private readonly list: List;
  /** Whether one row more than the page is read, to tell whether there is another page. */
  private readonly readsBeyond: boolean;
  /** Nothing but one list of nodes in forward order: the page's rows are the answer as they come. */
  private readonly isPlain: boolean;
  private readonly columns: string[] = [];
  private needsNumber = false;
  private needsCursor = false;
  private isUsed = false;

  constructor(c: SelectionCompiler, list: List, fields: readonly string[]) {
    this.c = c;
    this.list = list;
    this.readsBeyond = fields.includes('pageInfo');
    const uses = fields.filter((name) => name === 'nodes' || name === 'edges' || name === 'pageInfo');
    this.isPlain = uses.length === 1 && uses[0] === 'nodes' && !list.isBackward;
  }

  /** The row as an object of the selection. */
  node(nodes: readonly FieldNode[]): string {
    this.isUsed = true;
    const { model, alias } = this.list;
    const columns = rowColumns(this.c, model, alias, nodes);
    if (this.isPlain) {
      this.columns.push(columns);
      return row;
    }
    const name = identifier(`  r${this.columns.length}`);
    this.columns.push(`${objectSql(columns, '')} as ${name}`);
    return `${row}.${name}`;
  }

  cursor(): string {
    this.isUsed = true;
    this.needsCursor = true;
    return `${row}.${rowCursor}`;
  }

  /** The row's place in the page, from 1, counted from the end when paging backward. */
  number(): string {
    this.isUsed = true;
    this.needsNumber = true;
    return `${row}.${rowNumber}`;
  }

  /** Whether a row belongs to the page, and is not the one more that tells whether there is a next page. */
  inPage(): string {
    return this.readsBeyond ? `${this.number()} <= ${this.list.limit}` : 'true';
  }

  /** The list of this expression over the page's rows, in the list's order. */
  aggregate(expression: string): string {
    this.isUsed = true;
    // @NOTE aggregates take the rows in the order of the sub-select. None may have an order of its own: PostgreSQL would sort
    // the rows for that one, and all others would follow it.
    const filter = this.readsBeyond ? ` filter (where ${this.inPage()})` : '';
    return `coalesce(json_agg(${expression})${filter}, '[]')`;
  }

  fromSql(): string {
    if (!this.isUsed) return '';
    const { alias, source, bounds, terms, isBackward, limit, mark } = this.list;
    const order = orderSql(isBackward ? reversed(terms) : terms);
    const size = this.readsBeyond ? `${limit} + 1` : limit;
    const page = `(select ${alias}.* ${source}${bounds.map((b) => ` and ${b}`).join('')} order by ${order} limit ${size}) ${alias}`;
    const columns = [
      ...this.columns,
      ...(this.needsCursor ? [`${cursorSql(mark, terms)} as ${rowCursor}`] : []),
      ...(this.needsNumber || isBackward ? [`row_number() over () as ${rowNumber}`] : []),
    ];
    const turned = isBackward ? ` order by ${rowNumber} desc` : '';
    return `from (select ${columns.join(', ') || '1'} from ${page}${turned}) ${row}`;
  }
}

import type { Random } from '../../src/cli/seed/random.ts';
import { may } from '../model/access.ts';
import type { Row } from '../model/world.ts';
import { applyMutation, type Outcome, type RootField, type Verb } from './model/apply.ts';
import { type Data, seenBy } from './model/rows.ts';
import { keyHolder, type Link, type WriteShape, type WrittenWorld } from './model/shape.ts';
import type { Writer } from './world.ts';

/** A mutation, and what the model says comes of it. */
export interface Mutation {
  writer: Writer;
  fields: RootField[];
  outcome: Outcome;
}

const verbs: readonly Verb[] = [
  ...Array.from({ length: 3 }, () => 'create' as const),
  'createMany',
  ...Array.from({ length: 7 }, () => 'update' as const),
  'updateMany',
  'upsert',
  'upsert',
  'delete',
  'deleteMany',
];

/** How deep below the root field rows may be written. */
const deepest = 4;

/**
 * A mutation that comes, as the model sees it, to an outcome drawn beforehand, so that what is refused and what is done balance.
 * @param isWhole whether several root fields make one transaction, and so one mutation
 */
export function randomMutation(
  random: Random,
  world: WrittenWorld,
  writer: Writer,
  isWhole: boolean,
  asked?: Outcome['code'],
): Mutation {
  const drawn = random.pick([
    ...Array.from({ length: 9 }, () => 'done'),
    ...Array.from({ length: 5 }, () => 'FORBIDDEN'),
    'NOT_FOUND',
    'NOT_FOUND',
    'CONFLICT',
    'INVALID_INPUT',
  ]);
  const wanted = asked ?? drawn;
  // Without nesting most would be: what lies deeper is refused more often.
  const least = random.pick([0, 1, 1, 2]);
  let best: { mutation: Mutation; fitness: number } | undefined;
  for (let tries = 0; tries < 12; tries += 1) {
    const count = isWhole && random.chance(0.15) ? random.int(2, 3) : 1;
    const drafts = Array.from({ length: count }, () => new Draft(random, world, writer));
    const fields = drafts.map((draft) => draft.field());
    const outcome = applyMutation(world, writer.viewer, fields);
    const steps = drafts.reduce((sum, draft) => sum + draft.steps, 0);
    const fitness = (outcome.code === wanted ? 4 : 0) + Math.min(steps, least);
    if (!best || fitness > best.fitness) best = { mutation: { writer, fields, outcome }, fitness };
    if (fitness === 4 + least) break;
  }
  return best!.mutation;
}

/** Draws one root field; what it draws depends on the rows that are there, so that it meets them. */
class Draft {
  /** Rows that may still be written: what is drawn must end. */
  private budget: number;
  /** Operations of relations that were drawn. */
  steps = 0;
  private readonly random: Random;
  private readonly world: WrittenWorld;
  private readonly writer: Writer;

  constructor(random: Random, world: WrittenWorld, writer: Writer) {
    this.random = random;
    this.world = world;
    this.writer = writer;
    this.budget = random.pick([2, 3, 4, 5, 8]);
  }

  field(): RootField {
    const { random } = this;
    const model = random.pick(['Paper', 'Paper', 'Paper', 'User', 'User', ...Object.keys(this.world.schema)]);
    const verb = random.pick(verbs);
    return { verb, model, args: this.args(verb, model) };
  }

  private args(verb: Verb, model: string): Data {
    const { random } = this;
    switch (verb) {
      case 'create':
        return { data: this.create(model, deepest) };
      case 'createMany': {
        const data = Array.from({ length: random.int(1, 3) }, () => this.create(model, 1));
        return random.chance(0.4) ? { data, skipDuplicates: random.chance(0.8) } : { data };
      }
      case 'update': {
        const row = this.target(model, 'update');
        return { where: this.unique(model, row), data: this.update(model, row, deepest), ...this.version(model, row) };
      }
      case 'updateMany':
        return { where: this.filter(model), data: this.columns(model, 0.3, true) };
      case 'upsert': {
        const row = random.chance(0.6) ? this.target(model, 'update') : undefined;
        const where = this.unique(model, row);
        return { where, create: this.create(model, 2), update: this.update(model, row, 3) };
      }
      case 'delete': {
        const row = this.target(model, 'delete');
        return { where: this.unique(model, row), ...this.version(model, row) };
      }
      case 'deleteMany':
        return { where: this.filter(model) };
    }
  }

  /** New rows together: often alike, and some of them there already where such are left out. */
  private several(data: Data[], model: string): Data {
    const { random } = this;
    const rows = random.chance(0.5)
      ? data
      : data.map((row, i) => (i % 2 === 0 && i > 0 ? this.alike(data[0]!, model) : row));
    if (random.chance(0.3) && rows.length < 4) rows.push(this.alike(rows[0]!, model));
    if (!random.chance(0.45)) return { data: rows };
    const keyed = rows.map((row) =>
      'id' in row && random.chance(0.4) ? { ...row, id: random.pick([...this.rows(model), row]).id } : row,
    );
    return { data: keyed, skipDuplicates: random.chance(0.85) };
  }

  /** The like of a new row, under other keys: of the same fields, but that one of those with a default may be there or not. */
  private alike(row: Data, model: string): Data {
    const { random } = this;
    const { key, uniques, columns } = this.shape(model);
    const again = Object.entries(row).filter(([name]) => name in columns);
    const names = new Set([key, ...uniques].flat());
    const data = Object.fromEntries(
      again.map(([name, value]) => [name, names.has(name) && value !== null ? this.value(model, name, true) : value]),
    );
    for (const name of Object.keys(data)) if (name.endsWith('Id')) data[name] = row[name];
    if (model === 'Paper' && random.chance(0.5)) {
      const { authorId, ...others } = data;
      return authorId === undefined ? { ...data, authorId: random.pick(this.rows('User'))?.id } : others;
    }
    return data;
  }

  private version(model: string, row: Row | undefined): Data {
    if (model !== 'Paper' || !row || !this.random.chance(0.2)) return {};
    return { ifVersion: this.random.chance(0.7) ? row.version : this.random.int(1, 3) };
  }

  private shape = (model: string): WriteShape => this.world.schema[model]!;
  private rows = (model: string): readonly Row[] => this.world.rows[model] ?? [];

  /** Some row to do this with: mostly one with which the writer may. */
  private target(model: string, action: 'update' | 'delete' | 'read', among = this.rows(model)): Row | undefined {
    const { random, world, writer } = this;
    const draw = random.fraction();
    if (draw < 0.03) return undefined;
    const seen = seenBy(world, writer.viewer).rowsOf(model);
    const visible = among.filter((row) => seen.includes(row));
    const allowed =
      action === 'read' ? visible : visible.filter((row) => may(world, writer.viewer, action, model, row));
    const pool = [
      draw < 0.65 ? allowed : [],
      draw < 0.85 ? visible : [],
      draw < 0.95 ? among : [],
      this.rows(model),
    ].find((rows) => rows.length > 0);
    return pool && random.pick(pool);
  }

  /** What names a row by one of its keys; a row that is not there by one that nothing has. */
  private unique(model: string, row: Row | undefined): Data {
    const { random } = this;
    const { key, uniques } = this.shape(model);
    const keys = uniques.filter((columns) => row && columns.every((c) => row[c] !== null));
    const names = keys.length > 0 && random.chance(0.25) ? random.pick(keys) : key;
    const values = Object.fromEntries(names.map((name) => [name, row?.[name] ?? this.value(model, name, true)]));
    return names.length === 1 ? values : { [names.join('_')]: values };
  }

  private filter(model: string): Data {
    const { random } = this;
    const rows = this.rows(model);
    const [first = ''] = this.shape(model).key;
    const some = random.sample(rows, random.int(0, 3)).map((row) => row[first]);
    switch (random.int(0, 4)) {
      case 0:
        return model === 'Paper' ? { stage: { gte: random.int(0, 2) } } : { [first]: { in: some } };
      case 1:
        return model === 'User' ? { handle: { contains: random.pick(['a', 'e', '@']) } } : { [first]: { in: some } };
      case 2:
        return model === 'Note' ? { paper: { is: { stage: { gte: 0 } } } } : { OR: [{ [first]: { in: some } }] };
      default:
        return { [first]: { in: some } };
    }
  }

  private value(model: string, column: string, isFresh: boolean): unknown {
    const { random } = this;
    const fresh = random.int(1000, 999_999);
    const existing = random.pick([...this.rows(model), {}])[column];
    const isTaken = !isFresh && (existing ?? null) !== null && random.chance(0.12);
    switch (`${model}.${column}`) {
      case 'User.id':
      case 'Seat.userId':
        return isTaken ? existing : `u${fresh}`;
      case 'User.handle':
      case 'Paper.code':
      case 'Topic.word':
      case 'Team.name':
        return isTaken ? existing : `${column}${fresh}`;
      case 'User.level':
        return random.int(0, 2);
      case 'Paper.stage':
        return random.int(-1, 3);
      case 'Seat.role':
        return random.pick(['reader', 'editor', 'owner']);
      case 'Paper.tags':
        return random.sample(['a', 'b', 'c'], random.int(0, 2));
      case 'Cover.colour':
        return random.pick(['red', 'blue', 'black']);
      case 'Badge.kind':
        return random.pick(['tin', 'gold', 'hush']);
      case 'Team.open':
      case 'Note.secret':
        return random.chance(0.35);
      case 'Paper.locked':
      case 'Topic.hidden':
        return random.chance(0.2);
      default:
        if (this.shape(model).columns[column] === 'text') return random.pick(['x', 'y', 'z']);
        return isTaken ? existing : fresh;
    }
  }

  /** Columns that are no keys to other rows. */
  private columns(model: string, p: number, isUpdate: boolean): Record<string, unknown> {
    const { random } = this;
    const { columns, key, links, nullable, defaults } = this.shape(model);
    const foreign = new Set(Object.values(links).flatMap((link) => (link.kind === 'own' ? [link.local] : [])));
    const data: Record<string, unknown> = {};
    for (const name of Object.keys(columns)) {
      if (foreign.has(name) || name === 'version') continue;
      const isRequired = !isUpdate && !nullable.has(name) && !(name in defaults) && name !== 'shade';
      if (isUpdate && key.includes(name)) continue;
      if (name === 'origin' ? !random.chance(0.02) : !isRequired && !random.chance(p)) continue;
      if (nullable.has(name) && random.chance(0.2)) data[name] = null;
      else data[name] = this.value(model, name, false);
      if (isUpdate && random.chance(0.01)) data[name] = null;
    }
    if (isUpdate && random.chance(p)) Object.assign(data, this.reckoned(model, data));
    return data;
  }

  private reckoned(model: string, data: Data): Data {
    const { random } = this;
    const number = model === 'Paper' ? 'stage' : model === 'User' ? 'level' : undefined;
    if (!number) return {};
    if (model === 'Paper' && !('tags' in data) && random.chance(0.4))
      return { _push: { tags: [random.pick(['p', 'q'])] } };
    if (number in data && !random.chance(0.05)) return {};
    const operation = random.pick(['_increment', '_decrement', '_multiply', '_divide']);
    return { [operation]: { [number]: operation === '_divide' ? random.int(1, 2) : random.int(0, 2) } };
  }

  /** @param around the relation by which it belongs to the row around it */
  private create(model: string, depth: number, around?: string): Data {
    const { random } = this;
    this.budget -= 1;
    const data = this.columns(model, 0.35, false);
    for (const [name, link] of Object.entries(this.shape(model).links)) {
      if (name === around && !random.chance(0.01)) continue;
      if (link.kind === 'own') Object.assign(data, this.ownOfNew(model, name, link, depth));
      else if (this.budget > 0 && depth > 0 && random.chance(0.3)) {
        data[name] = this.operations(model, undefined, link, depth - 1);
      }
    }
    return data;
  }

  private ownOfNew(model: string, name: string, link: Extract<Link, { kind: 'own' }>, depth: number): Data {
    const { random } = this;
    const isRequired = !this.shape(model).nullable.has(link.local);
    if (!random.chance(isRequired ? (name === 'author' ? 0.5 : 0.97) : 0.35)) return {};
    const related = this.target(link.to, 'read', this.apt(model, link));
    if (random.chance(0.3)) {
      return { [link.local]: related ? related[link.remote] : this.value(link.to, link.remote, true) };
    }
    const canMake = depth > 0 && this.budget > 0;
    const draw = canMake ? random.fraction() : 0;
    this.steps += 1;
    if (draw < 0.6) return { [name]: { connect: this.unique(link.to, related) } };
    const create = this.create(link.to, depth - 1, this.back(model, name));
    if (draw < 0.8) return { [name]: { create } };
    const there = random.chance(0.5) ? related : undefined;
    return { [name]: { connectOrCreate: { where: this.unique(link.to, there), create } } };
  }

  /** Rows that a new one's key would do well to lead to: there are many by which it would not be allowed. */
  private apt(model: string, link: Extract<Link, { kind: 'own' }>): readonly Row[] {
    const { writer, random } = this;
    const { id } = writer.viewer;
    const rows = this.rows(link.to);
    if (id === undefined || random.chance(0.2)) return rows;
    if (link.to === 'User') return rows.filter((row) => row.id === id || (model === 'Seat' && random.chance(0.5)));
    if (link.to !== 'Team') return rows;
    const mine = this.rows('Seat').filter((seat) => seat.userId === id && seat.role !== 'reader');
    return rows.filter((row) => mine.some((seat) => seat.teamId === row.id));
  }

  /** The relation at the other end of one. */
  private back(model: string, name: string): string | undefined {
    const { to } = this.shape(model).links[name]!;
    const found = Object.entries(this.shape(to).links).find(
      ([, link]) => link.kind === 'foreign' && link.to === model && link.inverse === name,
    );
    return found?.[0];
  }

  private update(model: string, row: Row | undefined, depth: number): Data {
    const { random } = this;
    this.budget -= 1;
    const data: Record<string, unknown> = this.columns(model, depth === deepest ? 0.2 : 0.12, true);
    for (const [name, link] of Object.entries(this.shape(model).links)) {
      if (link.kind === 'own' && random.chance(0.1)) {
        const related = this.target(link.to, 'read', random.chance(0.5) ? this.apt(model, link) : undefined);
        data[link.local] =
          random.chance(0.2) && this.shape(model).nullable.has(link.local)
            ? null
            : (related?.[link.remote] ?? this.value(link.to, link.remote, true));
      } else if (depth > 0 && this.budget > 0 && random.chance(0.35)) {
        data[name] = this.operations(model, row ?? {}, link, depth - 1, name);
      }
    }
    return data;
  }

  private related(row: Row, link: Link): readonly Row[] {
    const rows = this.rows(link.to);
    if (link.kind === 'own') return rows.filter((other) => other[link.remote] === row[link.local]);
    if (link.kind === 'join') {
      const joins = this.rows(link.table).filter((join) => join[link.here] === row.id);
      return rows.filter((other) => joins.some((join) => join[link.there] === other.id));
    }
    const holder = keyHolder(this.world.schema, link);
    return rows.filter((other) => other[holder.local] === row[holder.remote]);
  }

  /** Operations of one relation: below a row that is there, or below a new one. */
  private operations(model: string, row: Row | undefined, link: Link, depth: number, name = ''): Data {
    const { random } = this;
    const isList = link.kind === 'join' || (link.kind === 'foreign' && link.isList);
    const isRequired = link.kind === 'own' && !this.shape(model).nullable.has(link.local);
    const mustStay =
      link.kind === 'foreign' && !this.shape(link.to).nullable.has(keyHolder(this.world.schema, link).local);
    const canSet = !mustStay || random.chance(0.1);
    const related = row ? this.related(row, link) : [];
    const isMet = row !== undefined && (related.length > 0 || random.chance(0.1));
    const known = isMet
      ? isList
        ? ['set', 'disconnect', 'delete', 'deleteMany', 'update', 'update', 'update', 'updateMany', 'upsert', 'upsert']
        : ['update', 'upsert', ...(isRequired ? [] : ['disconnect', 'delete', 'delete'])]
      : [];
    const makes =
      isMet && random.chance(0.8) ? [] : ['connect', 'connectOrCreate', 'create', ...(isList ? ['createMany'] : [])];
    const names = [...known, ...makes].filter((operation) => canSet || !/^(set|disconnect)$/.test(operation));
    const count = isList && random.chance(0.3) ? 2 : 1;
    const around = link.kind === 'foreign' ? link.inverse : link.kind === 'own' ? this.back(model, name) : undefined;
    const chosen = [...new Set(random.sample(names, count))];
    this.steps += chosen.length;
    return Object.fromEntries(
      chosen.map((operation) => [operation, this.operation(operation, link, isList, related, depth, around)]),
    );
  }

  private operation(
    operation: string,
    link: Link,
    isList: boolean,
    related: readonly Row[],
    depth: number,
    around: string | undefined,
  ): unknown {
    const { random } = this;
    const { to } = link;
    const isRelated = random.chance(0.85);
    const among = isRelated && related.length > 0 ? related : undefined;
    const some = <T>(item: () => T): T[] => Array.from({ length: random.chance(0.25) ? 2 : 1 }, item);
    const create = () => this.create(to, depth, around);
    switch (operation) {
      case 'set':
        return random.chance(0.3) ? [] : some(() => this.unique(to, this.target(to, 'update', among)));
      case 'disconnect':
        return isList ? some(() => this.unique(to, this.target(to, 'update', among))) : true;
      case 'delete':
        return isList ? some(() => this.unique(to, this.target(to, 'delete', among))) : true;
      case 'deleteMany':
        return some(() => this.filter(to));
      case 'update': {
        if (!isList) return this.update(to, related[0], depth);
        return some(() => {
          const row = this.target(to, 'update', among);
          return { where: this.unique(to, row), data: this.update(to, row, depth) };
        });
      }
      case 'updateMany':
        return some(() => ({ where: this.filter(to), data: this.columns(to, 0.3, true) }));
      case 'upsert': {
        if (!isList) return { create: create(), update: this.update(to, related[0], depth) };
        return some(() => {
          const row = random.chance(0.7) ? this.target(to, 'update', among) : undefined;
          return { where: this.unique(to, row), create: create(), update: this.update(to, row, depth) };
        });
      }
      case 'connect':
        return isList
          ? some(() => this.unique(to, this.target(to, 'update')))
          : this.unique(to, this.target(to, 'update'));
      case 'connectOrCreate': {
        const one = () => ({
          where: this.unique(to, random.chance(0.6) ? this.target(to, 'update') : undefined),
          create: create(),
        });
        return isList ? some(one) : one();
      }
      case 'create':
        return isList ? some(create) : create();
      default:
        return this.several(some(create), to);
    }
  }
}

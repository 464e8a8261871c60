import type { ModelViewer } from '../../model/access.ts';
import type { Row } from '../../model/world.ts';
import { checkForms } from './forms.ts';
import { type Code, type Key, keyOf, type Memory, Refusal, remove, rowAt, shapeIn } from './memory.ts';
import { createRows, updateRow, updateRows } from './nodes.ts';
import { claim, type Data, isClosed, only, seenBy, type Write } from './rows.ts';
import type { WriteRules, WrittenWorld } from './shape.ts';

/** What a root field does. */
export type Verb = 'create' | 'createMany' | 'update' | 'updateMany' | 'upsert' | 'delete' | 'deleteMany';

/** One root field of a mutation. */
export interface RootField {
  verb: Verb;
  model: string;
  args: Data;
}

/** What comes of a mutation. */
export type Outcome =
  | { code: 'done'; answers: unknown[]; world: WrittenWorld }
  | { code: Code; why: string; isOpen: boolean; field: number; world: WrittenWorld };

/** Does all of a mutation or nothing of it. */
export function applyMutation(world: WrittenWorld, viewer: ModelViewer, fields: readonly RootField[]): Outcome {
  const memory: Memory = { world };
  const answers: unknown[] = [];
  for (const [at, field] of fields.entries()) {
    try {
      answers.push(applyField({ memory, viewer }, field));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { code: error.code, why: error.message, isOpen: error.isOpen, field: at, world };
    }
  }
  return { code: 'done', answers, world: memory.world };
}

/** @returns the row as the viewer may see it; of many, how many were touched, and those that the viewer may see */
function applyField(write: Write, { verb, model, args }: RootField): unknown {
  const { memory } = write;
  refuseClosedAction(write, verb, model);
  checkForms(write, model, args);
  const data = args.data as Data;
  const answer = (key: Key | undefined) => (key ? seen(write, model, rowAt(memory, model, key)) : null);
  const answers = (keys: readonly Key[]) => ({
    count: keys.length,
    nodes: keys.map(answer).filter((node) => node !== null),
  });
  switch (verb) {
    case 'create':
      return answer(createRows(write, model, [{ data }])[0]);
    case 'createMany': {
      const items = (args.data as Data[]).map((data) => ({ data }));
      return answers(createRows(write, model, items, args.skipDuplicates === true));
    }
    case 'update': {
      const row = only(claim(write, 'update', model, { where: args.where }), model);
      refuseStale(write, model, row, args.ifVersion);
      return answer(updateRow(write, model, row, data));
    }
    case 'updateMany':
      return answers(updateRows(write, model, claim(write, 'update', model, { where: args.where }), data));
    case 'upsert': {
      const [row] = claim(write, 'update', model, { where: args.where });
      if (row) return answer(updateRow(write, model, row, args.update as Data));
      return answer(createRows(write, model, [{ data: args.create as Data }])[0]);
    }
    case 'delete': {
      const row = only(claim(write, 'delete', model, { where: args.where }), model);
      refuseStale(write, model, row, args.ifVersion);
      const before = seen(write, model, row);
      remove(memory, model, [row]);
      return before;
    }
    case 'deleteMany': {
      const rows = claim(write, 'delete', model, { where: args.where });
      const before = answers(rows.map((row) => keyOf(memory, model, row)));
      remove(memory, model, rows);
      return before;
    }
  }
}

const actionsOf: Record<Verb, readonly ('create' | 'update' | 'delete')[]> = {
  create: ['create'],
  createMany: ['create'],
  update: ['update'],
  updateMany: ['update'],
  upsert: ['create', 'update'],
  delete: ['delete'],
  deleteMany: ['delete'],
};

/** A rule that is closed whatever the row is asked before anything else. */
function refuseClosedAction(write: Write, verb: Verb, model: string): void {
  const { viewer } = write;
  if (!actionsOf[verb].every((action) => isClosed(write, action, model))) return;
  throw new Refusal(viewer.id === undefined ? 'UNAUTHENTICATED' : 'FORBIDDEN', `${verb} of ${model} is closed`);
}

function refuseStale({ memory }: Write, model: string, row: Row, ifVersion: unknown): void {
  const version = (memory.world.rules[model] as WriteRules | undefined)?.version;
  if (version && ifVersion !== undefined && row[version] !== ifVersion) throw new Refusal('CONFLICT', 'stale');
}

/** A row as the viewer sees it: hidden values are null, and so is a hidden row. */
function seen({ memory, viewer }: Write, model: string, row: Row | undefined): unknown {
  const sight = seenBy(memory.world, viewer);
  if (!row || !sight.rowsOf(model).includes(row)) return null;
  const columns = Object.keys(shapeIn(memory, model).columns);
  return Object.fromEntries(columns.map((column) => [column, sight.valueOf(model, row, column)]));
}

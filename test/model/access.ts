import { matches, type Where } from './where.ts';
import { type Row, type Sight, shapeOf, type World, wholeSight } from './world.ts';

/** Who asks. */
export interface ModelViewer {
  id?: string;
  isAdmin?: boolean;
  claims?: Readonly<Record<string, unknown>>;
}

/** What may be done with a row. */
export type ModelAction = 'read' | 'create' | 'update' | 'delete';

type ModelRule = boolean | Where | ((viewer: ModelViewer) => boolean | Where);

/** The rules of an application, by model, as `app/rules.ts` has them. */
export type ModelRules = Readonly<
  Record<
    string,
    { [A in ModelAction]?: ModelRule } & { fields?: Readonly<Record<string, { read?: ModelRule; write?: ModelRule }>> }
  >
>;

/** A world and the rules that hold in it. */
export interface RuledWorld extends World {
  rules: ModelRules;
}

const holds = (world: World, viewer: ModelViewer, rule: ModelRule | undefined, model: string, row: Row): boolean => {
  const verdict = typeof rule === 'function' ? rule(viewer) : (rule ?? false);
  return typeof verdict === 'boolean' ? verdict : matches(wholeSight(world), model, row, verdict) === true;
};

/** Whether the viewer may do this with the row; what has no rule is the admin's alone. */
export const may = (world: RuledWorld, viewer: ModelViewer, action: ModelAction, model: string, row: Row): boolean =>
  viewer.isAdmin === true || holds(world, viewer, world.rules[model]?.[action], model, row);

/** Whether the viewer may know of the row. */
export const mayRead = (world: RuledWorld, viewer: ModelViewer, model: string, row: Row): boolean =>
  may(world, viewer, 'read', model, row);

/** Whether the viewer may read, or write, this column of a row that they may read; without a rule they may. */
export function mayField(
  world: RuledWorld,
  viewer: ModelViewer,
  action: 'read' | 'write',
  model: string,
  row: Row,
  column: string,
): boolean {
  const rule = world.rules[model]?.fields?.[column]?.[action] ?? true;
  return viewer.isAdmin === true || holds(world, viewer, rule, model, row);
}

/** The columns of a row that the viewer may read. */
export const visibleFields = (world: RuledWorld, viewer: ModelViewer, model: string, row: Row): string[] =>
  Object.keys(shapeOf(world, model).columns).filter((column) => mayField(world, viewer, 'read', model, row, column));

/** The world as the viewer knows it: other rows are not there, other values are null. */
export function sightOf(world: RuledWorld, viewer: ModelViewer): Sight {
  const whole = wholeSight(world);
  const seen = new Map<string, readonly Row[]>();
  return {
    ...whole,
    rowsOf(model) {
      const rows = seen.get(model) ?? whole.rowsOf(model).filter((row) => mayRead(world, viewer, model, row));
      seen.set(model, rows);
      return rows;
    },
    valueOf: (model, row, column) =>
      mayField(world, viewer, 'read', model, row, column) ? (row[column] ?? null) : null,
  };
}

import type { OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import { variablesShaper } from './planner/shape.ts';
import type { Operation } from './reads.ts';
import type { RuleSlot, Verdicts } from './rules/verdicts.ts';

/** Keeps what was compiled for an operation, a shape of its variables and a shape of the rules it depends on. */
export interface PlanCache<P> {
  /** The plan of `part` of an operation, from the cache or made now; `make` is told whether it will be kept. */
  get(at: Operation, part: string, verdicts: Verdicts, make: (isKept: boolean) => P): P;
  /** Operations whose plans are now held. */
  readonly size: number;
}

/** Plans of one operation and one shape of variables, by the shapes of the rules they depend on. */
interface Shelf<P> {
  slots: readonly RuleSlot[];
  plans: Map<string, P>;
}

const maxPlansOfShelf = 50;

/**
 * Characters of a document, or of the shape of its variables, of which anything is kept for the next time. Those of an
 * application are far from it; longer ones carry values that never come again, and a thousand of them the whole memory.
 */
export const maxKeptLength = 20_000;

/** Makes a cache of the plans of `size` operations. */
export function createPlanCache<P extends { slots: readonly RuleSlot[] }>(size: number): PlanCache<P> {
  const shelves = new LRUCache<string, Shelf<P>>({ max: size });
  const operations = new WeakMap<
    OperationDefinitionNode,
    { id: number; shape: (variables: Operation['variables']) => string }
  >();
  let operationCount = 0;

  const identify = ({ schema, operation, fragments }: Operation) => {
    let known = operations.get(operation);
    if (!known) {
      operationCount += 1;
      known = { id: operationCount, shape: variablesShaper(schema, operation, fragments) };
      operations.set(operation, known);
    }
    return known;
  };
  return {
    get size() {
      return shelves.size;
    },
    get(at, part, verdicts, make) {
      const known = identify(at);
      const key = `${known.id}/${part}/${verdicts.scope}/${known.shape(at.variables)}`;
      const shelf = shelves.get(key);
      const plan = shelf?.plans.get(shapeOf(shelf.slots, verdicts));
      if (plan) return plan;
      const documentLength = at.operation.loc?.source.body.length ?? 0;
      const isKept = Math.max(documentLength, key.length) <= maxKeptLength;
      const made = make(isKept);
      if (!isKept) return made;
      const shape = shapeOf(made.slots, verdicts);
      const room =
        shelf && shelf.plans.size < maxPlansOfShelf && sameSlots(shelf.slots, made.slots) ? shelf : undefined;
      if (room) room.plans.set(shape, made);
      else shelves.set(key, { slots: made.slots, plans: new Map([[shape, made]]) });
      return made;
    },
  };
}

function shapeOf(slots: readonly RuleSlot[], verdicts: Verdicts): string {
  let shape = '';
  for (const slot of slots) shape += `${verdicts.shapeOf(slot)}|`;
  return shape;
}

const sameSlots = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((slot, i) => slot === b[i]);

/** Runs of one plan for many classes of viewers: those that are asked for in the same moment are one statement. */
import { createAnswerRoom } from '../data/answer-room.ts';
import type { ClassValues } from '../data/class-values.ts';
import { prepareMany } from '../data/prepare-many.ts';
import type { NamedPlan, Reads } from '../data/reads.ts';
import type { Database } from '../platform/db.ts';

/** Runs a plan for a class; resolves to the answer as PostgreSQL writes it. */
export type SharedRun = (plan: NamedPlan, values: ClassValues) => Promise<string>;

interface Waiting {
  values: ClassValues;
  resolve(text: string): void;
  reject(error: unknown): void;
}

interface Shared {
  waiting: Waiting[];
  text: Promise<string> | undefined;
}

/** Classes that are asked for in one statement: their answers are in memory together. */
const most = 100;

/**
 * Makes the runner.
 * @param onRun told of each statement
 */
export function createSharedRuns(db: Database, reads: Reads, onRun: () => void): SharedRun {
  const plans = new WeakMap<NamedPlan, Shared>();

  const flush = async (plan: NamedPlan, shared: Shared): Promise<void> => {
    const asked = shared.waiting.splice(0, most);
    if (shared.waiting.length > 0) setImmediate(() => void flush(plan, shared));
    try {
      shared.text ??= prepareMany(db, plan.many(), 1);
      const text = await shared.text;
      onRun();
      const rows = await db.query({
        ...(plan.name ? { name: `${plan.name}_many` } : {}),
        text,
        values: [asked.map(({ values }) => JSON.stringify(values))],
      });
      for (const [n, answer] of rows) settle(asked[Number(n) - 1]!, answer as string | null);
    } catch (error) {
      shared.text = undefined;
      for (const { reject } of asked) reject(error);
    }
  };
  const settle = ({ resolve, reject }: Waiting, answer: string | null): void => {
    try {
      resolve(createAnswerRoom(reads.limits.answerBytes).take(answer));
    } catch (error) {
      reject(error);
    }
  };
  return (plan, values) =>
    new Promise((resolve, reject) => {
      const shared = plans.get(plan) ?? { waiting: [], text: undefined };
      plans.set(plan, shared);
      shared.waiting.push({ values, resolve, reject });
      if (shared.waiting.length === 1) setImmediate(() => void flush(plan, shared));
    });
}

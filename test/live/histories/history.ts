import * as fc from 'fast-check';
import { anyOperation, type Operation, words } from './operations.ts';
import { askings, type Listener } from './subscriptions.ts';

/** Somebody who listens. */
export interface HistorySubscription {
  by: Listener;
  asking: number;
  form: number;
  word: string;
  number: number;
  events: string[] | null;
  overSse: boolean;
}

/** Operations in one transaction, in SQL or over the API. */
export interface HistoryTransaction {
  overApi: boolean;
  operations: Operation[];
}

/** What happens between two moments at which all streams are up to date. */
export interface HistoryStep {
  transactions: HistoryTransaction[];
  /** A subscription whose connection is away meanwhile, and goes on from its last cursor behind the step. */
  away: number | null;
  /** It comes back when everybody else has been told, and not while they are. */
  isLate: boolean;
}

/** A small world, who listens, and what is done. */
export interface History {
  roles: (number | null)[];
  subscriptions: HistorySubscription[];
  steps: HistoryStep[];
}

const someEvents = [['CREATED', 'DELETED'], ['UPDATED'], ['ENTERED', 'REMOVED']];

const anySubscription: fc.Arbitrary<HistorySubscription> = fc
  .record({
    by: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<Listener>(0, 1, 2) },
      { weight: 1, arbitrary: fc.constantFrom<Listener>('stranger', 'admin') },
    ),
    asking: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 4, arbitrary: fc.nat({ max: askings.length - 1 }) },
    ),
    form: fc.nat({ max: 4 }),
    word: fc.constantFrom(...words),
    number: fc.constantFrom(0, 1, 20),
    events: fc.option(fc.constantFrom(...someEvents), { freq: 2 }),
    overSse: fc.integer({ min: 0, max: 9 }).map((n) => n === 9),
  })
  .map((s) => ({
    ...s,
    // The admin role listens to what a scope can be asked of, in fewer forms.
    asking: s.by === 'admin' ? s.asking % 2 : s.asking,
    form: s.by === 'admin' ? 0 : s.form % askings[s.asking]!.wheres.length,
  }));

const anyTransaction: fc.Arbitrary<HistoryTransaction> = fc.record({
  overApi: fc.integer({ min: 0, max: 5 }).map((n) => n === 5),
  operations: fc.array(anyOperation, { minLength: 1, maxLength: 4 }),
});

/** Any history. */
export const anyHistory: fc.Arbitrary<History> = fc.record({
  roles: fc.array(fc.option(fc.nat({ max: 2 }), { freq: 3 }), { minLength: 6, maxLength: 6 }),
  subscriptions: fc.array(anySubscription, { minLength: 3, maxLength: 5 }),
  steps: fc.array(
    fc.record({
      transactions: fc.array(anyTransaction, { minLength: 1, maxLength: 2 }),
      away: fc.option(fc.nat({ max: 3 }), { freq: 2 }),
      isLate: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

import type { Verdict } from './checker.ts';
import type { Recovery } from './recovery.ts';
import type { WriterCounts } from './writer.ts';

/** All that a run came to. */
export interface Outcome {
  verdict: Verdict;
  control: Verdict;
  /** Some fault was done that pub/sub alone does not survive. */
  isControlTried: boolean;
  recoveries: Recovery[];
  /** The last words of nodes that ended by themselves. */
  deaths: readonly string[];
  changes: number;
  writers: WriterCounts;
  resumes: number;
  seconds: number;
  /** Deliveries that the run has to come to, and the longest that a first delivery may take, in milliseconds. */
  required: { deliveries: number; recovery: number };
}

/** A whole number as it is read. */
export const number = (n: number): string => Math.round(n).toLocaleString('en-US');

/** What is wrong with a run, one line each; empty when all holds. */
export function complaintsOf({ verdict, control, isControlTried, recoveries, deaths, required }: Outcome): string[] {
  const violations = ['lost', 'repeated', 'outOfOrder', 'notPermitted', 'wrong', 'badResyncs'] as const;
  return [
    ...violations.filter((kind) => verdict[kind] > 0).map((kind) => `${kind}: ${verdict[kind]}`),
    ...deaths.map((words) => `a node ended by itself: ${words}`),
    ...verdict.examples.map((example) => `  ${example}`),
    ...(verdict.delivered < required.deliveries
      ? [`${number(verdict.delivered)} deliveries are too few: ${number(required.deliveries)} were wanted`]
      : []),
    ...recoveries
      .filter(({ max, never }) => max > required.recovery || never > 0)
      .map(
        ({ fault, max, never }) => `${fault}: the first delivery took ${number(max)} ms, and never came for ${never}`,
      ),
    ...(isControlTried && control.lost === 0 ? ['by Redis alone nothing was lost: the checker is blind'] : []),
  ];
}

/** The table that a run ends with. */
export function formatReport(outcome: Outcome): string {
  const { verdict, control, recoveries, changes, writers, resumes, seconds } = outcome;
  const rows = recoveries.map(({ fault, rounds, median, max, measured }) => [
    fault,
    number(rounds),
    number(median),
    number(max),
    number(measured),
  ]);
  return [
    '',
    ...align([['fault', 'rounds', 'first delivery p50 ms', 'max ms', 'measured'], ...rows]),
    '',
    ...align([
      ['', 'delivered', 'lost', 'repeated', 'out of order', 'not permitted', 'wrong', 'excused', 'withheld'],
      ['Millrace', ...countsOf(verdict)],
      ['Redis alone', ...countsOf(control)],
    ]),
    '',
    `${number(changes)} changes in ${number(writers.committed)} transactions; ${number(writers.rolledBack)} rolled back, ` +
      `${number(writers.failed)} ended by the database, ${number(writers.inDoubt)} in doubt; ` +
      `${number(resumes)} resumptions; ${number(seconds)} s`,
  ].join('\n');
}

const countsOf = (v: Verdict): string[] =>
  [v.delivered, v.lost, v.repeated, v.outOfOrder, v.notPermitted, v.wrong, v.excused, v.withheld].map(number);

/** Lines of columns: the first one to the left, numbers to the right. */
export function align(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  return rows.map((row) =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join('  ')
      .trimEnd(),
  );
}

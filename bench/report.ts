import type { Measurement } from './measure.ts';
import { median, ratioOfRounds } from './statistics.ts';

/** Both peers' measurements of one shape, round by round. */
export interface Outcome {
  shape: string;
  title: string;
  role: string;
  connections: number;
  rounds: { millrace: Measurement; handwritten: Measurement }[];
}

/** Millrace ÷ hand-written: below 1, Millrace is better in all but throughput. */
export interface Ratios {
  /** CPU a request, server and PostgreSQL together. */
  cpu: number;
  server: number;
  database: number;
  throughput: number;
  median: number;
  p99: number;
}

/** The ratios of an outcome, each the median of the rounds' own. */
export function ratiosOf({ rounds }: Outcome): Ratios {
  const of = (value: (m: Measurement) => number) =>
    ratioOfRounds(rounds.map((round) => ({ ours: value(round.millrace), theirs: value(round.handwritten) })));
  return {
    cpu: of(cpuOf),
    server: of((m) => m.server),
    database: of((m) => m.database),
    throughput: of((m) => m.throughput),
    median: of((m) => m.median),
    p99: of((m) => m.p99),
  };
}

const cpuOf = ({ server, database }: Measurement): number => server + database;

const heading = [
  'shape',
  'asker',
  'conns',
  'CPU',
  'server',
  'database',
  'throughput',
  'median',
  'p99',
  'hand-written µs',
  'Millrace µs',
  'bytes',
];

/** A table of ratios, with the CPU microseconds a request (server + PostgreSQL) that they come from. */
export function formatReport(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => {
    const ratios = ratiosOf(outcome);
    const middle = (value: (round: Outcome['rounds'][number]) => number) =>
      median(outcome.rounds.map(value)).toFixed(0);
    const both = (peer: 'millrace' | 'handwritten') =>
      `${middle((r) => r[peer].server)} + ${middle((r) => r[peer].database)}`;
    return [
      outcome.shape,
      outcome.role,
      String(outcome.connections),
      ...[ratios.cpu, ratios.server, ratios.database, ratios.throughput, ratios.median, ratios.p99].map((r) =>
        Number.isNaN(r) ? '–' : r.toFixed(2),
      ),
      both('handwritten'),
      both('millrace'),
      `${middle((r) => r.handwritten.bytes)} / ${middle((r) => r.millrace.bytes)}`,
    ];
  });
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: string[]) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
  return all.map((row) => line(row).join('  ').trimEnd()).join('\n');
}

import type { Measurement } from './measure.ts';
import { type PeerName, peerTitles } from './peers.ts';
import { median, ratioOfRounds } from './statistics.ts';
import type { ShapeName } from './world.ts';

/** What each peer came to in one round. */
export type Round = Partial<Record<PeerName, Measurement>>;

/** The peers' measurements of one shape, round by round. */
export interface Outcome {
  shape: ShapeName;
  title: string;
  role: string;
  connections: number;
  rounds: Round[];
}

/** Millrace ÷ another peer: below 1, Millrace is better in all but throughput. */
export interface Ratios {
  /** CPU a request, server and PostgreSQL together. */
  cpu: number;
  server: number;
  database: number;
  throughput: number;
  median: number;
  p99: number;
}

/** The peers that an outcome holds Millrace against. */
export function othersOf({ rounds }: Outcome): PeerName[] {
  return Object.keys(peerTitles).filter((name): name is PeerName => name !== 'millrace' && name in (rounds[0] ?? {}));
}

/** The ratios of an outcome to one peer, each the median of the rounds' own. */
export function ratiosOf({ rounds }: Outcome, peer: PeerName): Ratios {
  const pairs = rounds.flatMap(({ millrace, [peer]: other }) => (millrace && other ? [{ millrace, other }] : []));
  const of = (value: (m: Measurement) => number) =>
    ratioOfRounds(pairs.map(({ millrace, other }) => ({ ours: value(millrace), theirs: value(other) })));
  return {
    cpu: of(({ server, database }) => server + database),
    server: of((m) => m.server),
    database: of((m) => m.database),
    throughput: of((m) => m.throughput),
    median: of((m) => m.median),
    p99: of((m) => m.p99),
  };
}

const heading = [
  'shape',
  'asker',
  'conns',
  'Millrace ÷',
  'CPU',
  'server',
  'database',
  'throughput',
  'median',
  'p99',
  'its µs',
  'Millrace µs',
  'bytes',
];
const textColumns = new Set([0, 1, 3]);

/** A table of ratios, with the CPU microseconds a request (server + PostgreSQL) that they come from. */
export function formatReport(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap((outcome) =>
    othersOf(outcome).map((peer) => {
      const ratios = ratiosOf(outcome, peer);
      const middle = (name: PeerName, value: (m: Measurement) => number) =>
        median(outcome.rounds.map((round) => value(round[name]!))).toFixed(0);
      const both = (name: PeerName) => `${middle(name, (m) => m.server)} + ${middle(name, (m) => m.database)}`;
      return [
        outcome.shape,
        outcome.role,
        String(outcome.connections),
        peerTitles[peer],
        ...[ratios.cpu, ratios.server, ratios.database, ratios.throughput, ratios.median, ratios.p99].map((r) =>
          Number.isNaN(r) ? '–' : r.toFixed(2),
        ),
        both(peer),
        both('millrace'),
        `${middle(peer, (m) => m.bytes)} / ${middle('millrace', (m) => m.bytes)}`,
      ];
    }),
  );
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((cell, i) => (textColumns.has(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
  return all.map((row) => line(row).join('  ').trimEnd()).join('\n');
}

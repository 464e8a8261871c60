import { expect, test } from 'vitest';
import type { Measurement } from '../../bench/measure.ts';
import { formatReport, type Outcome, ratiosOf } from '../../bench/report.ts';

const measured = (change: Partial<Measurement>): Measurement => ({
  server: 100,
  database: 100,
  throughput: 1000,
  median: 500,
  p99: 900,
  bytes: 40,
  ...change,
});

const outcome: Outcome = {
  shape: 'by-id',
  title: 'one by id',
  role: 'member',
  connections: 64,
  rounds: [{ millrace: measured({ server: 300, throughput: 500 }), handwritten: measured({}) }],
};

test('the ratio of CPU is of server and database together', () => {
  expect(ratiosOf(outcome)).toEqual({ cpu: 2, server: 3, database: 1, throughput: 0.5, median: 1, p99: 1 });
});

test('the table has a line for each outcome, with the microseconds behind its ratios', () => {
  const [heading, line, ...more] = formatReport([outcome]).split('\n');
  expect(more).toEqual([]);
  expect(heading).toContain('hand-written µs');
  expect(line!.split(/\s{2,}/)).toEqual([
    'by-id',
    'member',
    '64',
    '2.00',
    '3.00',
    '1.00',
    '0.50',
    '1.00',
    '1.00',
    '100 + 100',
    '300 + 100',
    '40 / 40',
  ]);
});

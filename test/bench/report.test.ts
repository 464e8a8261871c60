import { expect, test } from 'vitest';
import type { Measurement } from '../../bench/measure.ts';
import { formatReport, type Outcome, othersOf, ratiosOf } from '../../bench/report.ts';

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
  rounds: [
    {
      millrace: measured({ server: 300, throughput: 500 }),
      handwritten: measured({}),
      postgraphile: measured({ server: 1500, database: 500, throughput: 100, bytes: 50 }),
    },
  ],
};

test('the ratio of CPU is of server and database together', () => {
  expect(ratiosOf(outcome, 'handwritten')).toEqual({
    cpu: 2,
    server: 3,
    database: 1,
    throughput: 0.5,
    median: 1,
    p99: 1,
  });
  expect(ratiosOf(outcome, 'postgraphile')).toMatchObject({ cpu: 0.2, throughput: 5 });
});

test('a peer that was not measured is not reported, and has no ratio', () => {
  expect(othersOf(outcome)).toEqual(['handwritten', 'postgraphile']);
  expect(ratiosOf(outcome, 'stock').cpu).toBeNaN();
});

test('the table has a line for each outcome and peer, with the microseconds behind its ratios', () => {
  const [heading, ...lines] = formatReport([outcome]).split('\n');
  expect(heading).toContain('Millrace µs');
  const cells = lines.map((line) => line.split(/\s{2,}/));
  const byId = ['by-id', 'member', '64'];
  expect(cells).toEqual([
    [...byId, 'hand-written', '2.00', '3.00', '1.00', '0.50', '1.00', '1.00', '100 + 100', '300 + 100', '40 / 40'],
    [...byId, 'PostGraphile 5', '0.20', '0.20', '0.20', '5.00', '1.00', '1.00', '1500 + 500', '300 + 100', '50 / 40'],
  ]);
});

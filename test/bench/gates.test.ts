import { describe, expect, test } from 'vitest';
import { judge } from '../../bench/gates.ts';
import type { Measurement } from '../../bench/measure.ts';
import type { Outcome, Round } from '../../bench/report.ts';

const measured = (server: number, throughput = 1000): Measurement => ({
  server,
  database: 0,
  throughput,
  median: 500,
  p99: 900,
  bytes: 40,
});

const outcome = (shape: Outcome['shape'], rounds: Round[], rest: Partial<Outcome> = {}): Outcome => ({
  shape,
  title: shape,
  role: 'member',
  connections: 64,
  rounds,
  ...rest,
});

/** By-id, whose gate is at 1.5 of the hand-written server's CPU. */
const byId = (...millrace: number[]) =>
  outcome(
    'by-id',
    millrace.map((server) => ({ millrace: measured(server), handwritten: measured(100) })),
  );

describe('CPU against the hand-written server', () => {
  test.each([
    [149, 'kept', false],
    [160, 'above the gate, within the tolerance', false],
    [180, 'MISSED', true],
  ])('%i hundredths of it, where 150 are the gate: %s', (server, verdict, isMissed) => {
    const [judgment, ...more] = judge([byId(server)]);
    expect(more).toEqual([]);
    expect(judgment!.line).toMatch(new RegExp(`: ${verdict}$`));
    expect(judgment!.isMissed).toBe(isMissed);
  });

  test('is judged by the median round, whatever one of them came to', () => {
    expect(judge([byId(140, 900, 145)])[0]!.isMissed).toBe(false);
    expect(judge([byId(190, 10, 185)])[0]!.isMissed).toBe(true);
  });

  test('that could not be measured is missed', () => {
    expect(judge([outcome('by-id', [{ millrace: measured(100), handwritten: measured(0) }])])[0]!.isMissed).toBe(true);
  });
});

test('what the gates do not speak of is not judged: an admin, one connection, a shape without a gate', () => {
  const bad = [{ millrace: measured(900), handwritten: measured(100) }];
  const others = [outcome('by-id', bad, { role: 'admin' }), outcome('by-id', bad, { connections: 1 })];
  expect(judge([...others, outcome('groups', bad)])).toEqual([]);
});

describe('throughput', () => {
  const against = (shape: Outcome['shape'], ours: number) =>
    judge([
      outcome(shape, [{ millrace: measured(10, ours), postgraphile: measured(10, 100), stock: measured(10, 100) }]),
    ]);

  test('is held to 2.5 of PostGraphile’s, to 1.4 on the page, and to 4 of the stock stack’s', () => {
    const verdicts = (shape: Outcome['shape'], ours: number) =>
      against(shape, ours).map(({ line }) => line.split(': ').pop());
    expect(verdicts('nested', 260)).toEqual(['kept', 'below the gate']);
    expect(verdicts('nested', 240)).toEqual(['below the gate', 'below the gate']);
    expect(verdicts('page', 150)).toEqual(['kept', 'below the gate']);
    expect(verdicts('page', 400)).toEqual(['kept', 'kept']);
    expect(verdicts('groups-all', 1)).toEqual([]);
  });

  test('fails no run, for it is the machine’s as well', () => {
    expect(against('nested', 1).some(({ isMissed }) => isMissed)).toBe(false);
  });
});

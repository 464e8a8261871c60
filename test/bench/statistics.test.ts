import { expect, test } from 'vitest';
import { median, percentile, ratioOfRounds, slopeOf } from '../../bench/statistics.ts';

test('a percentile is the nearest rank of the sorted numbers', () => {
  const numbers = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(percentile(numbers, 0.5)).toBe(50);
  expect(percentile(numbers, 0.99)).toBe(99);
  expect(percentile(numbers, 1)).toBe(100);
  expect(percentile([7], 0.01)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

test('the median of an even count lies between the middle two, and the order given does not matter', () => {
  expect(median([10, 1, 3])).toBe(3);
  expect(median([10, 1, 3, 4])).toBe(3.5);
  expect(median([])).toBeNaN();
});

test('a ratio is the median of the rounds, so one disturbed round does not move it', () => {
  const rounds = [
    { ours: 2, theirs: 1 },
    { ours: 30, theirs: 10 },
    { ours: 900, theirs: 1 },
  ];
  expect(ratioOfRounds(rounds)).toBe(3);
});

test('a round in which the other peer used nothing measurable has no ratio', () => {
  expect(
    ratioOfRounds([
      { ours: 1, theirs: 0 },
      { ours: 3, theirs: 2 },
    ]),
  ).toBe(1.5);
  expect(ratioOfRounds([{ ours: 1, theirs: 0 }])).toBeNaN();
});

test('a slope is that of the line of least squares, whatever the height and the distances of its points', () => {
  expect(slopeOf([1, 2, 4].map((x) => ({ x, y: 100 - 3 * x })))).toBeCloseTo(-3);
  expect(slopeOf([5, 5, 5].map((y, x) => ({ x, y })))).toBe(0);
  // A sawtooth goes nowhere, whereas its first and last point differ.
  expect(Math.abs(slopeOf(Array.from({ length: 40 }, (_, x) => ({ x, y: x % 4 }))))).toBeLessThan(0.02);
});

test('one point, or several of one moment, have no slope', () => {
  expect(slopeOf([])).toBeNaN();
  expect(slopeOf([{ x: 1, y: 2 }])).toBeNaN();
  expect(slopeOf([1, 2].map((y) => ({ x: 3, y })))).toBeNaN();
});

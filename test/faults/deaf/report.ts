import { median } from '../../../bench/statistics.ts';
import { align, number } from '../report.ts';
import type { Deafness, Stage } from './deafness.ts';

/** Megabytes that the server may grow by. */
const growth = 100;
/** Events a second that have to be written. */
const fewestEvents = 950;

const windowsP99 = (...stages: Stage[]): number =>
  median(stages.flatMap(({ windows }) => windows.map(({ p99 }) => p99)));
/** How many times as long the honest wait beside the deaf, by the median of what windows of five seconds have as p99. */
const ratioOf = ({ alone, beside, after }: Deafness): number => windowsP99(beside) / windowsP99(alone, after);
const cutsOf = ({ deaf }: Deafness): number => Object.values(deaf.cuts).reduce((sum, cuts) => sum + cuts, 0);

/** What is wrong, one line each; empty when all holds. @param slowest how many times the undisturbed p99 the honest may have */
export function complaintsOf(outcome: Deafness, slowest: number): string[] {
  const { alone, beside, honest, deaf, awakenings } = outcome;
  const codes = awakenings.map(({ code }) => code);
  const checks: [isWrong: boolean, what: string][] = [
    [outcome.deaths.length > 0, `the node ended by itself: ${outcome.deaths[0]}`],
    [!outcome.isReady, 'the node is not ready any more'],
    [!outcome.takesNewcomers, 'a new client is not told what is written'],
    [honest.lost > 0, `honest clients lost ${honest.lost} events`],
    [honest.disordered > 0, `honest clients were told ${honest.disordered} events twice or out of order`],
    [honest.ended > 0, `${honest.ended} honest clients were cut off`],
    [beside.rate < fewestEvents, `only ${number(beside.rate)} events a second were written`],
    [beside.peak > alone.peak + growth, `the node grew by ${number(beside.peak - alone.peak)} MB`],
    [
      ratioOf(outcome) > slowest,
      `p99 of the honest is ${ratioOf(outcome).toFixed(2)} times what it was without the deaf`,
    ],
    [Object.keys(deaf.cuts).length < 4 || cutsOf(outcome) < 200, 'not all that never read were cut off'],
    [!codes.includes(1013), 'nobody was told by 1013 why the connection ended'],
    [codes.some((code) => code !== undefined && code !== 1013), `clients were closed with ${codes.join(', ')}`],
    [awakenings.some(({ lost, disordered }) => lost + disordered > 0), 'who read again did not get all, in order'],
  ];
  return checks.flatMap(([isWrong, what]) => (isWrong ? [what] : []));
}

/** The tables that a run ends with. */
export function formatReport(outcome: Deafness): string {
  const { alone, beside, after, honest, deaf, awakenings } = outcome;
  const stages = [alone, beside, after].map((stage) => [
    stage.title,
    number(stage.rate),
    stage.whole.p50.toFixed(1),
    stage.whole.p99.toFixed(1),
    windowsP99(stage).toFixed(1),
    Math.max(...stage.windows.map(({ p99 }) => p99)).toFixed(1),
    number(stage.peak),
    stage.processors.toFixed(2),
  ]);
  const slept = awakenings.map(({ ask, code, wasCut, told, lost, disordered }, n) => [
    `${n + 1}: ${ask}`,
    code === undefined ? (wasCut ? 'cut' : 'in time') : `${code}`,
    ...[told, lost, disordered].map(number),
  ]);
  const cuts = Object.entries(deaf.cuts).map(([ask, count]) => `${ask} ${count}`);
  return [
    '',
    ...align([['', 'events/s', 'p50 ms', 'p99 ms', 'p99 of 5 s', 'worst', 'MB at most', 'processors'], ...stages]),
    '',
    ...[alone, beside, after].map(
      ({ title, windows }) => `${title}, p99 of each 5 s: ${windows.map(({ p99 }) => number(p99)).join(' ')}`,
    ),
    '',
    `p99 of 5 s, ${ratioOf(outcome).toFixed(2)} times what it is alone; ${number(beside.peak - alone.peak)} MB more`,
    '',
    ...align([['read again', 'closed with', 'told', 'lost', 'out of order'], ...slept]),
    '',
    `honest: ${number(honest.told)} events told, ${honest.lost} lost, ${honest.disordered} out of order; ` +
      `deaf: cut off ${cutsOf(outcome)} times (${cuts.join(', ')}), never fewer than ${deaf.fewest} at a time; ${number(outcome.seconds)} s`,
  ].join('\n');
}

// `npm run faults`: three nodes, everything that can break, and the proof that no change is lost. See README.md.
import { Command, InvalidArgumentError, Option } from 'commander';
import { runDeafness } from './deaf/deafness.ts';
import * as deafness from './deaf/report.ts';
import { faults } from './faults.ts';
import { runFaults } from './harness.ts';
import { complaintsOf, formatReport } from './report.ts';

interface Given {
  short?: true;
  rounds: number;
  only?: string[];
  seed: number;
  pace: number;
  deliveries?: number;
  recovery: number;
  deaf?: true;
  slowdown: number;
}

const positive = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a number above zero.');
  return Number(text);
};
const faultName = (text: string, before: string[] = []): string[] => {
  if (!Object.hasOwn(faults, text))
    throw new InvalidArgumentError(`Expected one of: ${Object.keys(faults).join(', ')}.`);
  return [...before, text];
};
const listOfFaults = Object.entries(faults)
  .map(([name, { title }]) => `  ${name.padEnd(16)}${title}`)
  .join('\n');

const command = new Command('npm run faults --')
  .description(
    'Runs three nodes on a PostgreSQL and a Redis of their own, lets writers write and clients listen, breaks one thing after ' +
      'the other, and compares what every client was told with what was committed. Fails unless nothing was lost, repeated, ' +
      'out of order or not permitted.',
  )
  .addHelpText(
    'after',
    `\nFaults:\n${listOfFaults}\n\nExamples:\n  npm run faults -- --short\n  npm run faults -- --only leader-stop --only redis-kill --rounds 10`,
  )
  .addOption(new Option('-s, --short', 'shorter outages and half the deliveries, as in CI'))
  .addOption(new Option('-r, --rounds <n>', 'rounds of each fault').default(3).argParser(positive))
  .addOption(new Option('-o, --only <fault>', 'only this fault; may be repeated').argParser(faultName))
  .addOption(new Option('--seed <n>', 'what chance is made of').default(1).argParser(positive))
  .addOption(new Option('--pace <rows>', 'rows that are changed in a second, at most').default(300).argParser(positive))
  .addOption(
    new Option(
      '--deliveries <n>',
      'deliveries to come to (1,000,000 with --short, else 2,000,000; none with --only)',
    ).argParser(positive),
  )
  .addOption(
    new Option('--recovery <ms>', 'the longest that a first delivery may take after a fault')
      .default(2000)
      .argParser(positive),
  )
  .addOption(
    new Option('-d, --deaf', 'instead of all that: 200 clients that never read, beside 20 that do, for a minute'),
  )
  .addOption(
    new Option('--slowdown <times>', 'how many times as long, at p99, the 20 may wait beside the 200')
      .default(2)
      .argParser(positive),
  )
  .parse();

const given = command.opts<Given>();
const isShort = given.short === true;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const began = performance.now();
// @NOTE exits at once: the guardian of the nursery kills what was started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const sayWhen = (line: string): void =>
  say(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
/** Prints a run's tables, and what is wrong, or else that all is well. */
const conclude = (report: string, complaints: readonly string[], praise: string): void => {
  say(report);
  say(`\n${complaints.length === 0 ? praise : complaints.join('\n')}`);
  process.exitCode = complaints.length === 0 ? 0 : 1;
};

if (given.deaf) {
  const outcome = await runDeafness(sayWhen);
  const complaints = deafness.complaintsOf(outcome, given.slowdown);
  conclude(
    deafness.formatReport(outcome),
    complaints,
    'Who never reads harms nobody, and who reads again has lost nothing.',
  );
} else {
  const outcome = await runFaults({
    isShort,
    rounds: given.rounds,
    only: given.only ?? Object.keys(faults),
    seed: given.seed,
    pace: given.pace,
    required: {
      deliveries: given.deliveries ?? (given.only ? 1 : isShort ? 1_000_000 : 2_000_000),
      recovery: given.recovery,
    },
    say: sayWhen,
  });
  const praise = 'Nothing was lost, repeated, out of order or not permitted.';
  conclude(formatReport(outcome), complaintsOf(outcome), praise);
}

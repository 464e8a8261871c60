// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of the engine
import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { readSources } from '../../src/application.ts';
import { plantInCopy } from '../support/planted-copy.ts';
import { startServer } from '../support/server.ts';
import { anyHistory } from './histories/history.ts';
import { forHistories, Stage } from './histories/stage.ts';

vi.setConfig({ testTimeout: 120_000 });

// Read here, once: a copy has no application.
const sources = await readSources(process.cwd());

/** Faults of the engine: what is wrong, in which file of `src/`, and the text that stands there with the one that takes its place. */
const faults: [fault: string, file: string, right: string, wrong: string][] = [
  [
    'the old image is not judged',
    'data/planner/change.ts',
    'readingFrom(c, asTheyWere, () => matching(oldRow)),',
    "'true',",
  ],
  [
    'the filter is asked of the new image only',
    'data/planner/change.ts',
    'readingFrom(c, asTheyWere, () => matching(oldRow)),',
    'readingFrom(c, asTheyWere, () => seen(oldRow)),',
  ],
  [
    'the rule is asked of the old image only',
    'data/planner/change.ts',
    "`${isThere('new', matching(newRow))} as matches`",
    "`${isThere('new', compileWhere(c, model.model, newRow, args.get('where'), 'client'))} as matches`",
  ],
  [
    'a hidden row is told as it was',
    'data/planner/change.ts',
    "d.type in ('UPDATED', 'DELETED') or d.reason = 'FILTERED'",
    "d.type in ('UPDATED', 'DELETED', 'REMOVED')",
  ],
  [
    'rows that went together are not there for each other',
    'data/planner/change.ts',
    "g->>'xid' = e.xid)`",
    "g->>'xid' <> e.xid)`",
  ],
  [
    'viewers whose values differ share a class',
    'live/change-feed.ts',
    'const known = this.groups.get(viewers.key);',
    'const known = [...this.groups.values()].find((g) => g.viewers.key.length === viewers.key.length);',
  ],
  ['a change of sight is not told', 'live/stretch-frames.ts', 'note(concerned[n]!, seq);', 'void n, seq;'],
  [
    'who comes back goes on from the present',
    'live/live.ts',
    'isKnown ? place : { seq: feed.position }',
    '{ seq: feed.position }',
  ],
];

it.each(faults)('a few hundred histories find that %s', async (_, file, right, wrong) => {
  using copy = await plantInCopy({ file, right, wrong });
  await using broken = await startServer({ start: copy.start, sources, config: forHistories });
  await using stage = await Stage.open(broken, 6, 2000);
  const failed = await stage.playAll(fc.sample(anyHistory, { seed: 1, numRuns: 300 }));
  expect(failed).toBeDefined();
  expect(String(failed!.error)).toMatch(/^Error: \{.* (was told$|was not told that its sight has changed)/m);
});

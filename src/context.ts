import type { AnswerRoom } from './data/answer-room.ts';
import type { Reads } from './data/reads.ts';
import type { Verdicts } from './data/rules/verdicts.ts';
import type { Judgment } from './data/writes/judge.ts';
import type { Database } from './platform/db.ts';
import type { Viewer } from './viewer.ts';

/** All that a request knows: who asks, what the rules come to for them, and what the answer is made from. */
export interface Context {
  readonly viewer: Viewer;
  readonly verdicts: Verdicts;
  readonly db: Database;
  readonly reads: Reads;
  readonly room: AnswerRoom;
  /** Where it is told what the rules have said of each row that was written, if anybody wants to know. */
  readonly judged?: Judgment[];
  readonly sealPlace: (place: string) => string;
}

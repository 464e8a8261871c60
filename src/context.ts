import type { Client } from './client.ts';
import type { AnswerRoom } from './data/answer-room.ts';
import type { Reads } from './data/reads.ts';
import type { Judgment } from './data/rules/judgment.ts';
import type { Verdicts } from './data/rules/verdicts.ts';
import type { QuickWrites } from './data/writes/quick-writes.ts';
import type { Accounts } from './modules/auth/accounts.ts';
import type { Transactor } from './platform/transaction.ts';
import type { Viewer } from './viewer.ts';

/** All that a request knows: who asks, what the rules come to for them, and what the answer is made from. */
export interface Context {
  /** The accounts of the installation; undefined where the project has none. */
  readonly accounts: Accounts | undefined;
  readonly viewer: Viewer;
  /** Where the request comes from. */
  readonly client: Client;
  readonly verdicts: Verdicts;
  /** In a mutation, the transaction of the whole operation. */
  readonly db: Transactor;
  readonly reads: Reads;
  readonly quickWrites: QuickWrites;
  readonly room: AnswerRoom;
  /** There in a preview, of which nothing is kept: takes every rule that is asked of a row. */
  readonly judged?: Judgment[];
  readonly sealPlace: (place: string) => string;
  /**
   * Runs an effect when what the operation has written is committed; never when it is rolled back, previewed or done again. It is
   * no part of the transaction, so it may not fail. Outside of mutations it runs at once.
   */
  readonly afterCommit: (effect: () => void) => void;
}

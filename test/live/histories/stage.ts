import type { Config } from '../../../src/config/config.ts';
import { ask } from '../../support/postgres.ts';
import type { TestServer } from '../../support/server.ts';
import { auditTables } from './audit.ts';
import { Barrier } from './barrier.ts';
import type { History } from './history.ts';
import { Lane } from './lane.ts';

/** How a server is set up. More connections are no quicker on two cores, and each of them prepares every statement. */
export const forHistories = (config: Config): Config => ({
  ...config,
  pool: { ...config.pool, size: 3 },
  streams: { ...config.streams, messagesPerSecond: 100_000 },
});

/** A history that failed: its number among those that were played, and what was wrong. */
export interface FailedHistory {
  index: number;
  error: unknown;
}

/** A server, and the lanes on it in which histories are played. */
export class Stage implements AsyncDisposable {
  private readonly barrier: Barrier;
  private readonly lanes: readonly Lane[];
  /** How many histories have been played. */
  played = 0;

  private constructor(barrier: Barrier, lanes: readonly Lane[]) {
    this.barrier = barrier;
    this.lanes = lanes;
  }

  /** @param patience how long a lane waits for what must be told, in milliseconds */
  static async open(server: TestServer, atOnce: number, patience?: number): Promise<Stage> {
    await ask(server.databaseUrl, auditTables);
    const barrier = await Barrier.open(server);
    const lanes: Lane[] = [];
    for (let n = 0; n < atOnce; n++) lanes.push(await Lane.open(server, barrier, n, patience));
    return new Stage(barrier, lanes);
  }

  get messages(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.messages, 0);
  }

  get rounds(): number {
    return this.barrier.rounds;
  }

  /** Plays one history alone. @throws Error when what was told is not what the model says */
  play(history: History, lane = this.lanes[0]!): Promise<void> {
    this.played += 1;
    return lane.play(history, String(this.played).padStart(8, '0'));
  }

  /** Plays histories in all lanes, until one fails. */
  async playAll(histories: readonly History[]): Promise<FailedHistory | undefined> {
    let next = 0;
    let failed: FailedHistory | undefined;
    await Promise.all(
      this.lanes.map(async (lane) => {
        while (next < histories.length && !failed) {
          const index = next++;
          await this.play(histories[index]!, lane).catch((error: unknown) => {
            failed ??= { index, error };
          });
        }
      }),
    );
    return failed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lane of this.lanes) await lane[Symbol.asyncDispose]();
    await this.barrier[Symbol.asyncDispose]();
  }
}

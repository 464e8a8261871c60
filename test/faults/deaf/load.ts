import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { eventsPerSecond, insertEvents } from './topic.ts';

const fewest = 10;
const most = 100;

/** Writes events at an even rate, ten or more in a transaction, one transaction after the other. */
export class Load {
  /** The number of the last event that was committed. */
  last = 0;
  private readonly client: pg.Client;
  private readonly project: string;
  private readonly onCommit: (from: number, to: number) => void;
  private isStopped = false;
  private running: Promise<void> | undefined;

  constructor(url: string, project: string, onCommit: (from: number, to: number) => void) {
    this.client = new pg.Client({ connectionString: url });
    this.project = project;
    this.onCommit = onCommit;
  }

  async start(): Promise<void> {
    await this.client.connect();
    this.running = this.run();
  }

  /** Resolves when the last transaction is committed. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    await this.client.end();
  }

  private async run(): Promise<void> {
    const began = performance.now();
    while (!this.isStopped) {
      const owed = Math.floor(((performance.now() - began) * eventsPerSecond) / 1000) - this.last;
      if (owed < fewest) {
        await sleep(Math.max(1, ((fewest - owed) * 1000) / eventsPerSecond));
        continue;
      }
      const [from, to] = [this.last + 1, this.last + Math.min(owed, most)];
      await this.client.query({ name: 'events', text: insertEvents, values: [this.project, from, to] });
      this.last = to;
      this.onCommit(from, to);
    }
  }
}

import type { ResumingClient } from './client.ts';
import type { Version } from './truth.ts';

/** One round of a fault, for those whose first delivery after it is measured. */
export interface Episode {
  fault: string;
  since: ReadonlyMap<ResumingClient, number>;
}

/** How long the first delivery took, in milliseconds, over all clients and rounds of a fault. */
export interface Recovery {
  fault: string;
  rounds: number;
  median: number;
  max: number;
  measured: number;
  /** Clients that heard nothing that was changed after the fault. */
  never: number;
}

/** Watches for the first message after each fault that tells what was changed after it: older ones were on their way. */
export class RecoveryWatch {
  private readonly episodes: readonly Episode[];
  private readonly waits: Map<ResumingClient, { episode: Episode; since: number; took?: number }[]>;

  constructor(episodes: readonly Episode[], clients: readonly ResumingClient[]) {
    this.episodes = episodes;
    this.waits = new Map(
      clients.map((client) => [
        client,
        episodes.flatMap((episode) => {
          const since = episode.since.get(client);
          return since === undefined ? [] : [{ episode, since }];
        }),
      ]),
    );
  }

  /** Takes a message in the order in which it came. */
  take(client: ResumingClient, at: number, { sentAt }: Version): void {
    for (const wait of this.waits.get(client) ?? []) {
      if (wait.took === undefined && at >= wait.since && sentAt >= wait.since) wait.took = at - wait.since;
    }
  }

  /** The figures of each fault; clients to whom nothing is ever due are left out. */
  recoveries(isDeaf: (client: ResumingClient) => boolean): Recovery[] {
    const waits = [...this.waits].flatMap(([client, list]) => (isDeaf(client) ? [] : list));
    return [...new Set(this.episodes.map(({ fault }) => fault))].map((fault) => {
      const own = waits.filter(({ episode }) => episode.fault === fault);
      const times = own.flatMap(({ took }) => (took === undefined ? [] : [took])).sort((a, b) => a - b);
      return {
        fault,
        rounds: this.episodes.filter((episode) => episode.fault === fault).length,
        median: times[Math.floor(times.length / 2)] ?? 0,
        max: times.at(-1) ?? 0,
        measured: times.length,
        never: own.length - times.length,
      };
    });
  }
}

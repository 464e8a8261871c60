import type { Child, Nursery } from '../children.ts';

/** A process that holds clients. */
export interface Crowd<Order> {
  /** Tells it what to do, where no answer follows. */
  tell(order: Order): void;
  /** Tells it what to do, and resolves with its answer; one at a time. */
  ask<Answer = unknown>(order: Order): Promise<Answer>;
}

/** Starts a process of clients from a file beside this one. */
export function startCrowd<Order extends object>(nursery: Nursery, file: string): Crowd<Order> {
  const child: Child = nursery.start(process.execPath, ['--import', 'tsx', `${import.meta.dirname}/${file}`], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return {
    tell: (order) => void child.process.send(order),
    ask: <Answer>(order: Order) =>
      new Promise<Answer>((resolve, reject) => {
        const fail = () => reject(new Error(`${file} ended:\n${child.output()}`));
        child.process.once('close', fail);
        child.process.once('message', (answer) => {
          child.process.off('close', fail);
          resolve(answer as Answer);
        });
        child.process.send(order);
      }),
  };
}

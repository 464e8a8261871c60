import type { GraphQLError } from 'graphql';

const done = { done: true, value: undefined } as const;

/**
 * A stream as the protocol's library sees it: it yields nothing, for its frames go to the socket by a shorter way, and it lasts
 * until either side ends it.
 */
export class QuietStream implements AsyncGenerator<never, void, void> {
  private readonly onReturn: () => void;
  private readonly ended: Promise<typeof done>;
  private resolve!: (result: typeof done) => void;
  private reject!: (error: unknown) => void;

  /** @param onReturn called when the client ends it */
  constructor(onReturn: () => void) {
    this.onReturn = onReturn;
    this.ended = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.ended.catch(() => {}); // it may end before anybody waits
  }

  /** Ends it from the server's side, in order or with an error. */
  end(error?: GraphQLError): void {
    if (error) this.reject(error);
    else this.resolve(done);
  }

  next(): Promise<typeof done> {
    return this.ended;
  }

  async return(): Promise<typeof done> {
    this.onReturn();
    this.resolve(done);
    return done;
  }

  async throw(error: unknown): Promise<typeof done> {
    this.reject(error);
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

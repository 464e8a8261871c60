import type { MillraceError } from '../errors.ts';
import type { Query, Queryable, Rows } from './db.ts';
import { DatabaseError, isContention, translateDatabaseError } from './db-errors.ts';

/** Something that statements can be sent to, several of them in a transaction of their own. */
export interface Transactor extends Queryable {
  /**
   * Runs all that `work` does as one: kept when it resolves, undone when it rejects. Within a transaction it is a savepoint, and
   * kept only with all the rest. Savepoints are to be nested, not taken side by side.
   */
  transaction<T>(work: (tx: Transactor) => Promise<T>): Promise<T>;
}

/** A transaction that begins with its first statement; whoever began it ends it. */
export interface Transaction extends Transactor {
  /** What failed in it and has not been undone by a savepoint: nothing of it can be kept then. */
  readonly failure: MillraceError | undefined;
  /** Another transaction came before it, and nothing else stands in its way: done again, all of it may succeed. */
  readonly isContended: boolean;
  /** @throws MillraceError when nothing was kept; UNAVAILABLE when nobody knows */
  commit(): Promise<void>;
  /** Undoes everything; does nothing when it has ended. */
  rollback(): Promise<void>;
}

/** A connection that is lent out. */
export interface LentConnection {
  query(query: Query): Promise<Rows>;
  /** Resolves to what PostgreSQL says that it did. */
  command(text: string): Promise<string>;
  giveBack(isBroken: boolean): void;
}

/**
 * Makes a transaction on a connection that is borrowed for its first statement.
 * @param onCommit told when something may have been committed
 */
export function createTransaction(borrow: () => Promise<LentConnection>, onCommit: () => void): Transaction {
  let connection: Promise<LentConnection> | undefined;
  let failure: MillraceError | undefined;
  let isOver = false;
  let isContended = false;
  let isBroken = false;
  let savepoints = 0;

  const begin = async (): Promise<LentConnection> => {
    const lent = await borrow();
    try {
      await lent.command('begin');
      return lent;
    } catch (error) {
      lent.giveBack(true);
      throw error;
    }
  };
  const failed = (error: unknown): MillraceError => {
    const translated = translateDatabaseError(error);
    failure ??= translated;
    isContended ||= isContention(translated);
    isBroken ||= translated.code === 'UNAVAILABLE' || translated.code === 'INTERNAL';
    return translated;
  };
  const send = async <T>(work: (lent: LentConnection) => Promise<T>): Promise<T> => {
    requireOpen();
    connection ??= begin();
    try {
      const lent = await connection;
      requireOpen();
      return await work(lent);
    } catch (error) {
      throw isOver ? translateDatabaseError(error) : failed(error);
    }
  };
  // @NOTE what a resolver leaves behind must not reach a connection that is somebody else's by then.
  const requireOpen = (): void => {
    if (isOver) throw new Error('the transaction has ended');
  };
  const end = (lent: LentConnection): void => lent.giveBack(isBroken);

  const transaction: Transaction = {
    get failure() {
      return failure;
    },
    get isContended() {
      return isContended && (failure === undefined || isContention(failure));
    },
    query: (query) => send((lent) => lent.query(query)),
    script: (text) => send(async (lent) => void (await lent.command(text))),
    async transaction(work) {
      savepoints += 1;
      const name = `s${savepoints}`;
      const before = failure;
      // @NOTE nobody waits for these: they travel with the statement behind them, which fails if they do.
      transaction.script(`savepoint ${name}`).catch(() => {});
      try {
        const result = await work(transaction);
        transaction.script(`release savepoint ${name}`).catch(() => {});
        return result;
      } catch (error) {
        const isUndone = await transaction.script(`rollback to savepoint ${name}; release savepoint ${name}`).then(
          () => true,
          () => false,
        );
        if (isUndone) failure = before;
        throw translateDatabaseError(error);
      }
    },
    async commit() {
      if (failure) throw failure;
      requireOpen();
      if (!connection) {
        isOver = true;
        return;
      }
      const lent = await connection;
      try {
        const done = await lent.command('commit');
        // @NOTE to commit what has failed is no error to PostgreSQL: it rolls back, and says so by this word alone.
        if (failure || done !== 'COMMIT') throw failure ?? new DatabaseError('INTERNAL', 'something went wrong', done);
      } catch (error) {
        throw failed(error);
      } finally {
        isOver = true;
        end(lent);
      }
      onCommit();
    },
    async rollback() {
      if (isOver) return;
      isOver = true;
      const lent = await connection?.catch(() => undefined);
      if (!lent) return;
      await lent.command('rollback').catch(() => {
        isBroken = true;
      });
      end(lent);
    },
  };
  return transaction;
}

import pg from 'pg';
import appRules from '../../../app/rules.ts';
import type { ModelRules, RuledWorld } from '../../model/access.ts';
import { applyChanges } from '../../model/apply.ts';
import { exampleSchema } from '../../model/example.ts';
import type { Told } from '../../model/tell.ts';
import { openEvents } from '../../support/change-events.ts';
import type { Asker, TestServer } from '../../support/server.ts';
import { type ChangeStream, openSocket, type SocketClient } from '../../support/socket.ts';
import { type AuditedChange, readAudit } from './audit.ts';
import { type Barrier, scopeOf } from './barrier.ts';
import { explain } from './explain.ts';
import type { History, HistorySubscription, HistoryTransaction } from './history.ts';
import { idOf, slots } from './ids.ts';
import { choicesOf, type Listening, mustTurn, type PlacedChange, spell } from './listening.ts';
import { firstRows, inSql, noRows, overApi, type Scopes } from './operations.ts';
import { askings, claimsOf, documentOf, type Listener, viewerOf } from './subscriptions.ts';

/**
 * A place where one history after another is played: three users of its own, their sockets, and a connection for SQL.
 * Lanes share the server and nothing else, so several play at once.
 */
export class Lane implements AsyncDisposable {
  private readonly parts: { server: TestServer; barrier: Barrier; client: pg.Client; admin: Asker; patience: number };
  private readonly sockets: Map<Listener, SocketClient>;
  private readonly scope: string;
  private readonly users: string[];
  private world: RuledWorld = { schema: exampleSchema, rules: appRules as ModelRules, rows: {} };
  private audited = 0;
  messages = 0;

  private constructor(parts: Lane['parts'], sockets: Lane['sockets'], scope: string, users: string[]) {
    this.parts = parts;
    this.sockets = sockets;
    this.scope = scope;
    this.users = users;
  }

  static async open(server: TestServer, barrier: Barrier, number: number, patience = 10_000): Promise<Lane> {
    const client = new pg.Client({ connectionString: server.databaseUrl });
    await client.connect();
    const scope = `f${String(number).padStart(7, '0')}`;
    const users = Array.from({ length: slots.user }, (_, n) => idOf(scope, 'user', n));
    const listeners: Listener[] = [0, 1, 2, 'stranger', 'admin'];
    const sockets = new Map<Listener, SocketClient>();
    for (const listener of listeners) sockets.set(listener, await openSocket(server, claimsOf(listener, users)));
    await client.query(
      `insert into users (id, email, name) values ${users.map((id) => `('${id}', '${id}', '')`).join(', ')}`,
    );
    return new Lane({ server, barrier, client, admin: server.as({ role: 'admin' }), patience }, sockets, scope, users);
  }

  /** Plays a history. @throws Error when what was told is not what the model says */
  async play(history: History, scope: string): Promise<void> {
    const { client, barrier } = this.parts;
    const scopes: Scopes = { history: scope, lane: this.scope };
    await client.query(firstRows(scopes, history.roles));
    await this.readWorld(scope);
    const leaveRounds = barrier.join();
    let listening: Listening[] = [];
    try {
      listening = await Promise.all(history.subscriptions.map((asked) => this.listen(asked, scope)));
      for (const { transactions, away, isLate } of history.steps) {
        const gone = away === null ? undefined : listening[away % listening.length];
        if (gone) this.leave(gone);
        const changes = await this.write(transactions, scopes);
        for (const one of listening) this.hear(one, changes);
        if (gone && !isLate) await this.comeBack(gone);
        await barrier.pass();
        if (gone && isLate) await this.comeBack(gone);
        for (const one of listening) await this.settle(one);
      }
      await barrier.pass();
      for (const one of listening) this.check(one, true);
    } catch (error) {
      // What is still under way must not reach those who listen in the next history.
      await barrier.pass();
      throw error;
    } finally {
      leaveRounds();
      for (const { stream } of listening) stream.stop();
      await client.query(noRows(scopes));
      await this.readWorld(scope);
      await client.query('delete from audit where scope = $1', [scope]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.client.end();
    for (const socket of this.sockets.values()) await socket[Symbol.asyncDispose]();
  }

  private async readWorld(scope: string): Promise<AuditedChange[]> {
    const changes = await readAudit(this.parts.client, [scope, this.scope], this.audited);
    this.world = applyChanges(this.world, changes);
    this.audited = changes.at(-1)?.n ?? this.audited;
    return changes;
  }

  private async listen(asked: HistorySubscription, scope: string): Promise<Listening> {
    const asking = askings[asked.asking]!;
    const { by, form, word, number, events } = asked;
    if (by !== 'stranger')
      await this.parts.barrier.watch(asking, form, by === 'admin' ? 'admin' : 'user', events !== null);
    const where = asking.wheres[form]!(word, number);
    const whole = by === 'admin' ? { AND: [scopeOf(asking.model, [scope])!, ...(where ? [where] : [])] } : where;
    const variables = { ...(whole && { where: whole }), ...(events && { events }) };
    const subscriber = { viewer: viewerOf(by, this.users), where: whole, node: asking.node, previous: asking.previous };
    const stream = await this.subscribe(asked, variables);
    return {
      asked,
      subscriber,
      variables,
      stream,
      changes: [],
      judged: [],
      behind: undefined,
      messages: [],
      turns: 0,
      settled: { changes: 0, turns: 0 },
      cursor: await cursorOf(stream),
    };
  }

  private async subscribe(asked: HistorySubscription, variables: Record<string, unknown>): Promise<ChangeStream> {
    const document = documentOf(askings[asked.asking]!);
    if (asked.overSse) return openEvents(this.parts.server, claimsOf(asked.by, this.users), document, variables);
    return this.sockets.get(asked.by)!.subscribe(document, variables);
  }

  private hear(one: Listening, changes: readonly PlacedChange[]): void {
    for (const { worlds } of one.changes.slice(one.behind ?? one.changes.length))
      worlds.push(...(changes[0]?.worlds ?? []));
    one.behind = undefined;
    one.changes.push(...changes.map((c) => ({ ...c, worlds: [...c.worlds] })));
  }

  private leave(one: Listening): void {
    this.take(one);
    one.stream.stop();
  }

  /** What was no news when it was first judged is judged again, if it is behind the cursor: in the world as it is now. */
  private async comeBack(one: Listening): Promise<void> {
    const { toldBy } = explain(choicesOf(one), one.messages);
    for (const { worlds } of one.changes.slice(toldBy)) worlds.push(this.world);
    one.behind = toldBy;
    one.stream = await this.subscribe(one.asked, { ...one.variables, after: one.cursor });
  }

  /** Does what the transactions do, one after the other; returns the changes with the worlds behind them. */
  private async write(transactions: readonly HistoryTransaction[], scopes: Scopes): Promise<PlacedChange[]> {
    const { client, admin } = this.parts;
    const placed: PlacedChange[] = [];
    for (const { overApi: isApi, operations } of transactions) {
      const request = isApi ? overApi(operations[0]!, scopes) : undefined;
      // A write that the rows do not allow is refused, in which case nothing has changed.
      if (request) await admin.query(request.query, request.variables);
      else await client.query(`begin; ${operations.map((o) => inSql(o, scopes)).join('; ')}; commit`);
      const changes = await this.readWorld(scopes.history);
      placed.push(...changes.map((change) => ({ change, together: changes, worlds: [] })));
      for (const { worlds } of placed) worlds.push(this.world);
    }
    return placed;
  }

  /** Waits for what must be told. */
  private async settle(one: Listening): Promise<void> {
    const deadline = Date.now() + this.parts.patience;
    const isSettled = () => this.check(one, Date.now() > deadline) && (one.turns > one.settled.turns || !mustTurn(one));
    while (!isSettled()) {
      if (Date.now() > deadline)
        throw new Error(`${JSON.stringify(one.asked)} was not told that its sight has changed`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    one.settled = { changes: one.changes.length, turns: one.turns };
  }

  /** Whether everything that came is explained, and nothing is missing. @throws Error when it cannot be any more */
  private check(one: Listening, isLast: boolean): boolean {
    this.take(one);
    const all = choicesOf(one);
    const { isWhole, isBroken, at } = explain(all, one.messages);
    if (isBroken || (isLast && !isWhole)) {
      const wanted = all.map((choices, i) => `${i === at ? '→' : ' '} ${[...choices].join(' or ')}`);
      throw new Error(
        [
          `${JSON.stringify(one.asked)} was told`,
          ...one.messages.map((m) => `  ${m}`),
          'where the model says, change by change,',
          ...wanted,
        ].join('\n'),
      );
    }
    return isWhole;
  }

  /** Takes in what has come. */
  private take(one: Listening): void {
    for (const result of one.stream.waiting.splice(0) as { data?: { change: Told & { cursor: string } } }[]) {
      const { cursor, ...told } = result.data?.change ?? { cursor: '', type: JSON.stringify(result) };
      if (cursor) one.cursor = cursor;
      if (told.type === ('CHECKPOINT' as string)) continue;
      if ('reason' in told && told.reason === ('PERMISSION' as string)) {
        // One too many costs its hearer a question, and tells them nothing.
        one.turns += 1;
        continue;
      }
      one.messages.push(spell(told as Told));
      this.messages += 1;
    }
  }
}

async function cursorOf(stream: ChangeStream): Promise<string> {
  const { change } = await stream.next(20_000);
  if (change.type !== 'CHECKPOINT') throw new Error(`a stream began with ${JSON.stringify(change)}`);
  return change.cursor;
}

/**
 * The lane in front of Yoga: a read that Yoga has answered by the planner is answered here the next time it is asked. The lane
 * has no behaviour of its own. Its documents are those that Yoga has parsed, validated and planned under the present schema, its
 * headers those that Yoga has answered the like of a request with, and whatever else there is goes on to Yoga, errors of any kind
 * among it.
 */
import type { IncomingMessage } from 'node:http';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Client, Credentials } from '../client.ts';
import type { Context } from '../context.ts';
import { maxKeptLength } from '../data/plan-cache.ts';
import type { MillraceError } from '../errors.ts';
import type { Viewer } from '../viewer.ts';
import { type Costs, isTooCostly } from './cost-limit.ts';
import type { Resolved } from './persisted.ts';
import type { PlannedAnswer } from './planned-execution.ts';
import { createFindOperation, plannedData } from './planned-read.ts';
import type { GraphqlRequest } from './yoga.ts';

/** An answer that leaves in one write. */
export interface WrittenAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | Buffer;
}

/** What was found out of a request that goes on to Yoga, so that nothing is done twice. */
export interface Passage {
  /** Who sends it, and what it proves itself by. */
  client: Client & Credentials;
  /** What it asks by the text of the document that it named; undefined where it has named none. */
  resolved?: Resolved;
  /** Why it is not to be executed, whatever it asks. */
  refusal?: unknown;
  /** The operations of a request that holds several. */
  batch?: readonly GraphqlRequest[];
  /** What its mutation is sent under, so that it is done once; undefined without one, else whatever the client has sent. */
  idempotencyKey?: unknown;
  /** All of the request's head that the headers of a planned answer depend on. */
  head?: string;
  viewing?: Promise<Viewer>;
  /** That the planner does not answer it; or what it failed with, after all the work. */
  outcome?: 'unplanned' | MillraceError;
}

/** Answers what it has seen before. */
export interface Lane {
  /** The answer; undefined where the request is Yoga's, which is to be given the passage. Never rejects. */
  answer(request: IncomingMessage, asked: GraphqlRequest, passage: Passage): Promise<WrittenAnswer | undefined>;
  /** Is told of each planned answer that Yoga has given. */
  learn(passage: Passage, planned: PlannedAnswer, headers: WrittenAnswer['headers']): void;
}

const maxDocuments = 1000;
const maxHeads = 1000;
const maxHeadLength = 1000;

/** Makes a lane that knows nothing yet. `schema` and `contextFor` are asked at every request, as Yoga asks them. */
export function createLane(given: {
  schema: () => GraphQLSchema;
  viewerOf: (credentials: Credentials) => Promise<Viewer>;
  contextFor: (viewer: Viewer, client: Client) => Context;
  costs: Costs;
}): Lane {
  // @NOTE by schema, so that a reload begins anew, and an application that was replaced is not kept.
  const documents = new WeakMap<GraphQLSchema, LRUCache<string, DocumentNode>>();
  const headersByHead = new LRUCache<string, WrittenAnswer['headers']>({ max: maxHeads });
  const findOperation = createFindOperation();

  return {
    async answer(request, asked, passage) {
      // @NOTE here and not when it is learned from: Yoga changes the headers of the request that it is given.
      const head = headOf(request);
      passage.head = head;
      const schema = given.schema();
      const document = documents.get(schema)?.get(asked.query);
      if (head === undefined || !document || !isPlain(asked)) return undefined;
      const headers = headersByHead.get(head);
      const operation = findOperation({ schema, document }, asked.operationName);
      if (!headers || !operation?.isCandidate) return undefined;
      if (operation.operation.operation === 'mutation' && !mayWrite(request, passage)) return undefined;
      try {
        const { client } = passage;
        passage.viewing ??= given.viewerOf(client);
        const viewer = await passage.viewing;
        // @NOTE from here to the plan nothing waits, so that schema, rules and planner are of one application.
        if (given.schema() !== schema) return undefined;
        const cost = given.costs.of(schema, operation, asked.variables, viewer);
        if (isTooCostly(cost)) return undefined;
        const data = await plannedData(schema, operation, asked.variables, given.contextFor(viewer, client));
        if (data !== undefined) return written(data, `${given.costs.report(cost)}}`, headers);
        passage.outcome = 'unplanned';
      } catch (error) {
        passage.outcome = error as MillraceError;
      }
      return undefined;
    },
    learn({ head }, { validated: { schema, document } }, headers) {
      const text = document.loc!.source.body;
      if (text.length > maxKeptLength || head === undefined) return;
      const known = documents.get(schema) ?? new LRUCache({ max: maxDocuments });
      documents.set(schema, known.set(text, document));
      headersByHead.set(head, headers);
    },
  };
}

const opening = '{"data":';

/** Characters from which on it is cheaper to copy a text into a buffer than to have V8 put strings together. */
const longText = 8000;

/** @param closing what stands behind the data, in ASCII */
function written(data: string, closing: string, headers: WrittenAnswer['headers']): WrittenAnswer {
  const length = opening.length + Buffer.byteLength(data) + closing.length;
  const answer = { status: 200, headers: { ...headers, 'content-length': String(length) } };
  if (data.length < longText) return { ...answer, body: `${opening}${data}${closing}` };
  const body = Buffer.allocUnsafe(length);
  body.write(opening, 0, 'latin1');
  body.write(data, opening.length);
  body.write(closing, length - closing.length, 'latin1');
  return { ...answer, body };
}

/** Whether nothing is asked in a way that Yoga has to judge. */
function isPlain(asked: GraphqlRequest): boolean {
  for (const key in asked) {
    const value: unknown = asked[key as keyof GraphqlRequest];
    if (value !== null && value !== undefined && !isUsual(key, value)) return false;
  }
  return true;
}

function isUsual(key: string, value: unknown): boolean {
  if (key === 'variables' || key === 'extensions') return typeof value === 'object' && !Array.isArray(value);
  return (key === 'query' || key === 'operationName') && typeof value === 'string' && value !== '';
}

/** @NOTE a mutation by GET is Yoga's to refuse, and one with a key may have been done before. */
const mayWrite = ({ method }: IncomingMessage, { idempotencyKey }: Passage): boolean =>
  method === 'POST' && idempotencyKey === undefined;

/** Undefined for a head that nobody needs to send. */
function headOf({ method, headers }: IncomingMessage): string | undefined {
  if ('access-control-request-method' in headers || 'access-control-request-headers' in headers) return undefined;
  const { origin, accept, 'content-type': type } = headers;
  const head = `${method}\n${type}\n${accept}\n${origin}`;
  return head.length <= maxHeadLength ? head : undefined;
}

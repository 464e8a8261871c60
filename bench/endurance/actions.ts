import { createHash } from 'node:crypto';
import type { Random } from '../../src/cli/seed/random.ts';
import type { Asked, Documents } from './documents.ts';
import type { HttpClient } from './http-client.ts';
import type { People } from './people.ts';

/** What clients do over HTTP; each resolves to whether the answer was of the kind that it had to be. */
export type Actions = Record<
  'fresh' | 'hot' | 'named' | 'register' | 'batch' | 'write' | 'fault' | 'stranger' | 'newcomer' | 'glance',
  () => Promise<boolean>
>;

interface Result {
  data?: Record<string, { id?: string } | null> | null;
  errors?: { extensions?: { code?: string } }[];
}

/**
 * Makes the actions.
 * @param complain told of each refusal of what had to be answered
 */
export function createActions(given: {
  random: Random;
  http: HttpClient;
  documents: Documents;
  people: People;
  complain: (errors: string) => void;
}): Actions {
  const { random, http, documents, people, complain } = given;
  const { int, pick } = random;
  /** Hashes that the server has been told the text of. */
  const named: string[] = [];

  const post = async (body: unknown, authorization: string, headers: Record<string, string> = {}) => {
    const { text } = await http.ask({ body: JSON.stringify(body), headers: { authorization, ...headers } });
    return JSON.parse(text) as Result;
  };
  const isGood = ({ data, errors }: Result) => {
    const good = data != null && !errors;
    if (!good) complain(JSON.stringify(errors));
    return good;
  };
  const isRefused = ({ errors }: Result, code?: string) =>
    errors?.[0] !== undefined &&
    (code ? errors[0].extensions?.code === code : errors[0].extensions?.code !== 'INTERNAL');
  const get = async (parameters: Record<string, unknown>) => {
    const texts = Object.entries(parameters).map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)]);
    const { text } = await http.ask({
      method: 'GET',
      search: `?${String(new URLSearchParams(texts))}`,
      headers: { authorization: people.known().authorization, accept: 'application/graphql-response+json' },
    });
    return JSON.parse(text) as Result;
  };
  const persisted = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
  const makeId = async (authorization: string, body: Asked, field: string) =>
    (await post(body, authorization)).data?.[field]?.id;

  const writeTask = async () => {
    const { authorization, projectId } = people.known();
    const title = `Passing ${int(0, 1e9)}`;
    const create = `mutation ($data: CreateTaskInput!) { createTask(data: $data) { id title project { name } } }`;
    const data = { title, projectId, priority: int(0, 9), extra: { votes: int(0, 30), [`k${int(0, 1e6)}`]: title } };
    const id = await makeId(authorization, { query: create, variables: { data } }, 'createTask');
    const update = `mutation M${int(0, 1e9)} { updateTask(where: { id: "${id}" }, data: { priority: ${int(0, 9)}, status: DONE }) { id } }`;
    const isUpdated = isGood(await post({ query: update }, authorization));
    const remove = `mutation ($id: String!) { deleteTask(where: { id: $id }) { id } }`;
    return isGood(await post({ query: remove, variables: { id } }, authorization)) && isUpdated;
  };
  const writeNote = async () => {
    const { authorization } = people.known();
    const create = `mutation { createDocument(data: { collection: "notes", data: { text: "${int(0, 1e9)}", pinned: ${int(0, 9)} } }) { id } }`;
    const id = await makeId(authorization, { query: create }, 'createDocument');
    const where = { collection_id: { collection: 'notes', id } };
    const update = `mutation ($where: DocumentWhereUniqueInput!, $data: JSON) { updateDocument(where: $where, data: { data: $data }) { version } }`;
    const data = { text: 'again', [`k${int(0, 1e6)}`]: true };
    const isUpdated = isGood(await post({ query: update, variables: { where, data } }, authorization));
    const remove = `mutation ($where: DocumentWhereUniqueInput!) { deleteDocument(where: $where) { id } }`;
    return isGood(await post({ query: remove, variables: { where } }, authorization)) && isUpdated;
  };

  return {
    async fresh() {
      const headers = {
        accept: `application/json;q=0.${int(1, 999)}`,
        origin: `https://site${int(0, 1e6)}.example.com`,
      };
      return isGood(await post(documents.fresh(), people.known().authorization, random.chance(0.4) ? headers : {}));
    },
    hot: async () => isGood(await post(documents.hot(), people.known().authorization)),
    async named() {
      return named.length === 0 || isGood(await get({ extensions: persisted(pick(named)) }));
    },
    async register() {
      const { query } = documents.fresh();
      const hash = createHash('sha256').update(query).digest('hex');
      const isUnknown = isRefused(await get({ extensions: persisted(hash) }), 'PERSISTED_QUERY_NOT_FOUND');
      const { authorization } = people.known();
      const isTaken = isGood(await post({ query, extensions: persisted(hash) }, authorization));
      if (!isTaken) return false;
      named.push(hash);
      if (named.length > 200) named.shift();
      return isUnknown;
    },
    async batch() {
      const asked = [documents.fresh(), documents.hot(), documents.faulty(), documents.hot()].slice(0, int(2, 4));
      const answers = (await post(asked, people.known().authorization)) as unknown as Result[];
      return answers.length === asked.length && isGood(answers[0]!) && isGood(answers[1]!);
    },
    write: () => (random.chance(0.6) ? writeTask() : writeNote()),
    async fault() {
      const { authorization } = people.known();
      if (random.chance(0.7)) return isRefused(await post(documents.faulty(), authorization));
      const { status } = await http.ask({
        headers: { authorization, ...(random.chance(0.5) && { 'content-type': `text/x${int(0, 1e6)}` }) },
        body: random.chance(0.5) ? `{ "query": ${int(0, 1e9)}` : 'x'.repeat(int(1, 1_100_000)),
      });
      return status >= 400 && status < 500;
    },
    stranger: async () => isRefused(await post(documents.hot(), await people.refused()), 'UNAUTHENTICATED'),
    newcomer: async () => isGood(await post(documents.hot(), await people.newcomer())),
    async glance() {
      const { authorization } = people.known();
      const stream = await http.listen({ headers: { authorization }, body: JSON.stringify(documents.live()) });
      stream.leave();
      return stream.first.includes('"data":{');
    },
  };
}

/** What can be seen of an operation in its text. */
export interface OperationHeader {
  type: 'query' | 'mutation' | 'subscription';
  /** Names of the variables that it declares. */
  variables: ReadonlySet<string>;
  /** `query @live`: it answers again whenever its answer changes. */
  isLive: boolean;
}

const ignored = /"""(?:\\"""|[\s\S])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*/g;
const token = /[{}()]|[$@]?[A-Za-z_]\w*/g;

/** Reads the header of the operation that a request means; a text that is none counts as a query, for the server to refuse. */
export function readOperation(request: { query: string; operationName?: string | null }): OperationHeader {
  const headers = headersIn(request.query);
  const named = headers.find(([, name]) => name === request.operationName);
  const [type, ...rest] = (request.operationName ? named : headers[0]) ?? [];
  return {
    type: type === 'mutation' || type === 'subscription' ? type : 'query',
    variables: new Set(rest.filter((word) => word.startsWith('$')).map((word) => word.slice(1))),
    isLive: type === 'query' && rest.includes('@live'),
  };
}

/** The words before the selection of each operation, in order. */
function headersIn(query: string): string[][] {
  const headers: string[][] = [];
  let words: string[] = [];
  let depth = 0;
  let isSelection = false;
  for (const [word] of query.replaceAll(ignored, ' ').matchAll(token)) {
    if (word === '{' || word === '(') {
      if (depth === 0) isSelection = word === '{';
      depth += 1;
    } else if (word === '}' || word === ')') {
      depth -= 1;
      if (depth > 0 || !isSelection) continue;
      if (words[0] !== 'fragment') headers.push(words);
      words = [];
      isSelection = false;
    } else if (!isSelection) words.push(word);
  }
  return headers;
}

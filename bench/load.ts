// The process that sends the requests: told of one load at a time, it answers with what it measured.
import { Agent, request } from 'node:http';

/** A bounded number of requests to one peer. */
export interface Load {
  url: string;
  headers: Record<string, string>;
  /** Sent in turn, from the first again after the last. */
  bodies: string[];
  connections: number;
  requests: number;
}

/** What came of a load. */
export interface LoadResult {
  /** Milliseconds from the first request to the last answer. */
  duration: number;
  /** Milliseconds of each request, sorted. */
  latencies: number[];
  /** Bytes of all answers' bodies. */
  bytes: number;
}

async function run(load: Load): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
  const latencies: number[] = [];
  let bytes = 0;
  let next = 0;
  const sendInTurn = async () => {
    while (next < load.requests) {
      const body = load.bodies[next++ % load.bodies.length]!;
      const start = performance.now();
      const size = await send(load, agent, body);
      bytes += size;
      latencies.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: load.connections }, sendInTurn));
  const duration = performance.now() - start;
  agent.destroy();
  return { duration, latencies: latencies.sort((a, b) => a - b), bytes };
}

function send({ url, headers }: Load, agent: Agent, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const length = String(Buffer.byteLength(body));
    const sent = request(
      url,
      { method: 'POST', agent, headers: { ...headers, 'content-length': length } },
      (answer) => {
        let size = 0;
        answer.on('data', (chunk: Buffer) => (size += chunk.length));
        answer.on('error', reject);
        answer.on('end', () =>
          answer.statusCode === 200 ? resolve(size) : reject(new Error(`${url} answered ${answer.statusCode}`)),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

process.on('message', (load: Load) => {
  run(load).then(
    (result) => process.send!({ result }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});

import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { ask } from '../support/postgres.ts';
import type { Answer, TestServer } from '../support/server.ts';
import { team } from '../support/team.ts';

/** Sends one mutation 50 times at once to these nodes, by turns, and asserts one effect and one answer; so many rounds of it. */
export async function sendRounds(nodes: readonly TestServer[], rounds: number): Promise<void> {
  const askers = nodes.map((node) => node.as({ sub: team.ben }));
  for (let round = 0; round < rounds; round += 1) {
    const key = randomUUID();
    const query = `mutation {
      createComment(data: { taskId: "${team.axle}", authorId: "${team.ben}", body: "${key}" }) { id body createdAt }
      updateTask(where: { id: "${team.axle}" }, data: { priority: ${round} }) { updatedAt }
    }`;
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const response = await askers[i % askers.length]!.post({ query }, { 'idempotency-key': key });
        return response.text();
      }),
    );
    expect((JSON.parse(answers[0]!) as Answer).data.createComment.body).toBe(key);
    expect(new Set(answers).size).toBe(1);
    const made = await ask(nodes[0]!.databaseUrl, 'select 1 from comments where body = $1', [key]);
    expect(made).toHaveLength(1);
  }
}

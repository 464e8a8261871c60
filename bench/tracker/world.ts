import path from 'node:path';
import { seedProject } from '../../src/cli/seed/seed-project.ts';
import { readConfig } from '../../src/config/config.ts';
import type { World } from '../world.ts';
import { chooseMember, describeShapes } from './shapes.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** The example's tables, whose rows are seen by the members of their workspace: rules that take more than the row itself. */
export const tracker: World = {
  name: 'tracker',
  project: root,
  others: [],
  furnish: (url) => furnishTracker(url, 100_000),
  async describe(url) {
    const member = await chooseMember(url);
    const askers = (['member', 'admin'] as const).map((role) => ({ role, sub: member.id }));
    return { askers, shapes: describeShapes(member.taskIds) };
  },
};

/** Applies the example's migrations and seeds it. */
export async function furnishTracker(url: string, rows: number): Promise<void> {
  await seedProject(readConfig({ DATABASE_URL: url }, root), { rows });
}

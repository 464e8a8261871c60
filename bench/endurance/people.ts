import path from 'node:path';
import type { Random } from '../../src/cli/seed/random.ts';
import { openTokens } from '../../src/platform/tokens.ts';

/** A member who may change things, and a project to change. */
export interface Editor {
  id: string;
  projectId: string;
}

/** Whoever asks. */
export interface People {
  /** One of the editors, with a token that stays the same. */
  known(): { authorization: string; token: string; projectId: string };
  /** A valid token that nobody has shown before. */
  newcomer(): Promise<string>;
  /** What is not to be believed. */
  refused(): Promise<string>;
}

/** Makes them, with the key of the server at `directory`. */
export async function gatherPeople(random: Random, directory: string, editors: readonly Editor[]): Promise<People> {
  const open = (keys: string) =>
    openTokens({ source: { kind: 'local', directory: path.join(directory, keys) }, adminRole: 'admin' });
  const { mint } = await open('keys');
  const { mint: forge } = await open('forged-keys');
  const known = await Promise.all(
    editors.map(async ({ id, projectId }) => {
      const token = await mint!({ sub: id, expiresIn: 24 * 3600 });
      return { authorization: `Bearer ${token}`, token, projectId };
    }),
  );
  const claims = () => ({ session: random.int(0, 1e9), teams: Array.from({ length: 10 }, () => random.int(0, 1e6)) });
  const bearer = (token: Promise<string>) => token.then((text) => `Bearer ${text}`);
  return {
    known: () => random.pick(known),
    newcomer: () => bearer(mint!({ sub: random.pick(editors).id, claims: claims() })),
    async refused() {
      const make = random.pick([
        () => bearer(forge!({ sub: random.pick(editors).id, claims: claims() })),
        () => `Bearer ${random.int(0, 1e9)}`,
        () => `Basic ${random.int(0, 1e9)}`,
        () => `${random.pick(known).authorization}${random.int(0, 1e6)}`,
      ]);
      return make();
    },
  };
}

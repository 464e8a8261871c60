import type { Random } from '../../src/cli/seed/random.ts';
import type { Row } from '../model/world.ts';

/** Everybody there is at first; the first three write. */
export const people = ['ann', 'ben', 'cat', 'dov', 'eve', 'fay'];

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** All rows of a world, by table: few, so that every rule has some on both sides of it. */
export function randomRows(random: Random): Record<string, Row[]> {
  const { pick, chance, int } = random;
  const orNull = <T>(p: number, value: () => T) => (chance(p) ? value() : null);
  const [teams, papers, topics] = [upTo(3), upTo(7), upTo(5)];
  const distinct = <T>(list: readonly T[], count: number) => random.sample(list, count);
  return {
    User: people.map((id) => ({
      id,
      name: id.toUpperCase(),
      handle: `@${id}`,
      level: int(0, 2),
      mentorId: orNull(0.6, () => pick(people.slice(0, 4))),
    })),
    Team: teams.map((id) => ({ id, name: `team ${id}`, open: chance(0.3) })),
    Seat: teams.flatMap((teamId) =>
      people
        .filter(() => chance(0.5))
        .map((userId) => ({ teamId, userId, role: pick(['reader', 'editor', 'owner', 'owner']) })),
    ),
    Paper: papers.map((id) => ({
      id,
      code: orNull(0.6, () => `code ${id}`),
      title: `paper ${id}`,
      stage: int(-1, 3),
      locked: chance(0.15),
      tags: distinct(['a', 'b', 'c'], int(0, 2)),
      origin: 'here',
      shade: 'plain',
      version: int(1, 3),
      teamId: pick(teams),
      authorId: pick(people.slice(0, 5)),
      reviewerId: orNull(0.5, () => pick(people)),
    })),
    Note: upTo(9).map((id) => ({
      id,
      text: `note ${id}`,
      secret: chance(0.25),
      paperId: pick(papers),
      writerId: orNull(0.8, () => pick(people.slice(0, 5))),
    })),
    Topic: topics.map((id) => ({ id, word: `word ${id}`, hidden: chance(0.25) })),
    _PaperToTopic: papers.flatMap((A) => topics.filter(() => chance(0.3)).map((B) => ({ A, B }))),
    Cover: distinct(papers, 4).map((paperId, i) => ({
      id: i + 1,
      colour: pick(['red', 'blue', 'black']),
      paperId: orNull(0.7, () => paperId),
    })),
    Badge: distinct(people, 3).map((userId, i) => ({ id: i + 1, kind: pick(['tin', 'gold', 'hush']), userId })),
  };
}

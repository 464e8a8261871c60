/** Chance that can be had again by its seed. */
export interface Random {
  /** An integer from 0 to n - 1. */
  below(n: number): number;
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** At most `count` different elements. */
  sample<T>(list: readonly T[], count: number): T[];
  /** A source of its own, which the same seed makes the same. */
  fork(): Random;
}

/** Makes a source of chance: mulberry32, by Tommy Ettinger. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return {
    below,
    chance: (share) => next() < share,
    pick: (list) => list[below(list.length)]!,
    sample(list, count) {
      const chosen = new Set<(typeof list)[number]>();
      for (let n = 0; n < count && list.length > 0; n += 1) chosen.add(list[below(list.length)]!);
      return [...chosen];
    },
    fork: () => createRandom(below(2 ** 32)),
  };
}

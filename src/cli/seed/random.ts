/** Chance that falls the same way every time: a stream of choices that depends on nothing but its seed. */
export interface Random {
  /** A number from 0 up to, not including, 1. */
  fraction(): number;
  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number;
  /** True with the probability `p`. */
  chance(p: number): boolean;
  /** Any one of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** `count` different ones of the list, or all if it has fewer. */
  sample<T>(list: readonly T[], count: number): T[];
  /** A moment between two others. */
  date(from: Date, to: Date): Date;
  /** That many bytes. */
  bytes(length: number): Uint8Array;
}

/** A new stream of choices; equal seeds make equal streams. Not for secrets. */
export function createRandom(seed: number): Random {
  const fraction = mulberry32(seed);
  const int = (min: number, max: number) => min + Math.floor(fraction() * (max - min + 1));
  return {
    fraction,
    int,
    chance: (p) => fraction() < p,
    pick: (list) => list[int(0, list.length - 1)]!,
    sample: (list, count) => sample(list, Math.min(count, list.length), int),
    date: (from, to) => new Date(int(from.getTime(), to.getTime())),
    bytes: (length) => Uint8Array.from({ length }, () => int(0, 255)),
  };
}

/** Mulberry32, by Tommy Ettinger: 32 bits of state, quick, and even enough for examples. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function sample<T>(list: readonly T[], count: number, int: Random['int']): T[] {
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(int(0, list.length - 1));
  return [...chosen].map((index) => list[index]!);
}

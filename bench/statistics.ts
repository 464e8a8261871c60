/** The value below which this share of the sorted numbers lies, by the nearest rank; NaN of none. */
export function percentile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1]!;
}

/** The middle number, or the mean of the middle two; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The median of each round's own ratio: the two numbers of a round were measured one after the other, so that whatever
 * else the machine did in that minute burdened both.
 */
export function ratioOfRounds(rounds: readonly { ours: number; theirs: number }[]): number {
  return median(rounds.filter(({ theirs }) => theirs > 0).map(({ ours, theirs }) => ours / theirs));
}

/** By how much `y` grows where `x` grows by one: the line of least squares; NaN where there is none. */
export function slopeOf(points: readonly { x: number; y: number }[]): number {
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((p) => p.x), mean((p) => p.y)];
  const spread = mean((p) => (p.x - x) ** 2);
  return spread > 0 ? mean((p) => (p.x - x) * (p.y - y)) / spread : Number.NaN;
}

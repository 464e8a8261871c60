/** Measures each of several things once a round, in an order that turns; resolves with each one's results, round by round. */
export async function inRounds<Subject, Result>(
  subjects: readonly Subject[],
  rounds: number,
  measure: (subject: Subject) => Promise<Result>,
): Promise<Result[][]> {
  const results: Result[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let n = 0; n < subjects.length; n += 1) {
      const at = (round + n) % subjects.length;
      results[at]!.push(await measure(subjects[at]!));
    }
  }
  return results;
}

/** Rounds of a race: few where time is short, RACE_ROUNDS where somebody has it. */
export const roundsOf = (few: number): number => Number(process.env.RACE_ROUNDS ?? few);

/** Counts what is open under each name, within a bound. */
export interface Census {
  /** Whether there may be one more. */
  hasRoom(name: string): boolean;
  /** Counts one more; false when there are as many as there may be. */
  enter(name: string): boolean;
  leave(name: string): void;
}

/** Makes a census that lets `most` in under one name. */
export function createCensus(most: number): Census {
  const counts = new Map<string, number>();
  return {
    hasRoom: (name) => (counts.get(name) ?? 0) < most,
    enter(name) {
      const count = counts.get(name) ?? 0;
      if (count >= most) return false;
      counts.set(name, count + 1);
      return true;
    },
    leave(name) {
      const count = (counts.get(name) ?? 0) - 1;
      if (count > 0) counts.set(name, count);
      else counts.delete(name);
    },
  };
}

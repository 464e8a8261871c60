import type { Session } from '../platform/db.ts';

/** Entries of one segment, at most: a partition stays small enough to be dropped at once. */
const largestSegment = 1_000_000;
/** Segments in the time that the log is kept: so much longer than that, by one part, may the oldest entry live. */
const segmentsKept = 12;
/** @NOTE shorter than the time after which a leader that moves nothing is deposed; and readers of the log wait as long. */
const patience = '400ms';

/**
 * Begins a new segment when the current one is old or large, and drops those whose every entry is older than `retention`
 * milliseconds. Only the leader may call it.
 */
export async function turnSegments(session: Session, retention: number): Promise<void> {
  const [row] = await session.query({
    text: `select h.segment, h.seq - s.from_seq + 1, extract(epoch from now() - s.started_at)::float8 * 1000
      from millrace.event_head h join millrace.event_segment s using (segment)`,
    values: [],
  });
  const [segment, size, age] = (row ?? [0, 0, 0]).map(Number) as [number, number, number];
  if (size > largestSegment || (size > 0 && age > retention / segmentsKept)) await beginSegment(session, segment + 1);
  await dropOld(session, retention);
}

async function beginSegment(session: Session, segment: number): Promise<void> {
  const partition = `millrace.event_log_${segment}`;
  await session.script(`begin;
    set local lock_timeout = '${patience}';
    create table ${partition} (like millrace.event_log including defaults including constraints);
    alter table millrace.event_log attach partition ${partition} for values in (${segment});
    insert into millrace.event_segment (segment, from_seq) select ${segment}, seq + 1 from millrace.event_head;
    update millrace.event_head set segment = ${segment};
    commit`);
}

async function dropOld(session: Session, retention: number): Promise<void> {
  // A segment ends where the next one begins.
  const old = await session.query({
    text: `select segment from (
        select segment, lead(started_at) over (order by segment) as ended_at from millrace.event_segment
      ) s where ended_at < now() - $1::float8 * interval '1 millisecond' order by segment`,
    values: [retention],
  });
  for (const [segment] of old) {
    await session.script(`begin;
      set local lock_timeout = '${patience}';
      delete from millrace.event_segment where segment = ${Number(segment)};
      drop table if exists millrace.event_log_${Number(segment)};
      commit`);
  }
}

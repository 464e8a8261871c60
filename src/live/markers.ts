import type { ChangePlan } from '../data/planner/change.ts';
import type { CursorSeal } from '../log/cursor.ts';
import { PlacedFrame } from './frame.ts';

/** Makes the frames that tell no change: where a stream stands, and that it has a hole. */
export interface Markers {
  checkpoint(plan: ChangePlan, epoch: string, seq: number): PlacedFrame;
  resync(plan: ChangePlan, epoch: string, seq: number, reason: string): PlacedFrame;
}

/** Makes markers with cursors of this seal. */
export function createMarkers(seal: CursorSeal): Markers {
  const frame = (plan: ChangePlan, epoch: string, seq: number, known: Record<string, unknown>): PlacedFrame => {
    const cursor = seal.seal({ epoch, seq });
    const values: Record<string, unknown> = { at: new Date().toISOString(), cursor, ...known };
    const answer = plan.selection.map(([key, name]) => [
      key,
      name === '__typename' ? plan.typeName : (values[name] ?? null),
    ]);
    return new PlacedFrame(seq, cursor, JSON.stringify({ data: { [plan.key]: Object.fromEntries(answer) } }));
  };
  return {
    checkpoint: (plan, epoch, seq) => frame(plan, epoch, seq, { type: 'CHECKPOINT' }),
    resync: (plan, epoch, seq, reason) => frame(plan, epoch, seq, { type: 'RESYNC', reason }),
  };
}

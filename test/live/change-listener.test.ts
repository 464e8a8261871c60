import { describe, expect, it } from 'vitest';
import type { ChangeGroup } from '../../src/live/change-feed.ts';
import { ChangeListener } from '../../src/live/change-listener.ts';
import { PlacedFrame } from '../../src/live/frame.ts';
import type { Sink } from '../../src/live/sink.ts';

/** A client that does not read. */
const deaf: Sink = { send: () => 0, drained: () => new Promise(() => {}), end() {}, leave() {}, cutOff() {} };

const listenerAt = (seq: number) => {
  const feed = { epoch: 'now', position: 9, leave() {} };
  const group = { feed, listeners: new Set(), frames: [], length: 0, floor: 0 } as unknown as ChangeGroup;
  return new ChangeListener(group, deaf, { seq });
};

describe('the place at which another stream takes over', () => {
  it('is where it was told', () => {
    const listener = listenerAt(7);
    listener.start();
    expect(listener.place).toEqual({ epoch: 'now', seq: 7, snapshot: undefined });
    listener.close();
  });

  it('is none while it has not been told where it begins: the other one is to begin', () => {
    const listener = listenerAt(7);
    listener.begin(new PlacedFrame(7, 'cursor', '{}'));
    expect(listener.place).toBeUndefined();
    listener.close();
  });

  it('is of no history while it has not been told that it missed something: the other one is to say so', () => {
    const listener = listenerAt(7);
    listener.start();
    listener.restart(new PlacedFrame(9, 'cursor', '{}'));
    expect(listener.place?.epoch).toBe('');
    listener.close();
  });
});

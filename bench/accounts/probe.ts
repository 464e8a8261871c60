// Loaded into the server before itself: tells how long its event loop kept others waiting since it was last asked.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds of delay, beyond the millisecond at which the loop is looked at. */
export interface LoopDelay {
  p50: number;
  p99: number;
  max: number;
}

const resolution = 1;
const delay = monitorEventLoopDelay({ resolution });
delay.enable();

process.on('message', (message) => {
  if (message !== 'tell') return;
  const beyond = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution);
  const told = { p50: beyond(delay.percentile(50)), p99: beyond(delay.percentile(99)), max: beyond(delay.max) };
  process.send!(told satisfies LoopDelay);
  delay.reset();
});
process.channel?.unref();

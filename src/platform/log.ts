import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Opens the log: one JSON line an event on standard error, secrets left out wherever they might stand. */
export function openLog(level: string): Logger {
  const redact = ['authorization', '*.authorization', 'token', '*.token', 'password', '*.password', 'err.config'];
  return pino(
    { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"`, redact },
    pino.destination(2),
  );
}

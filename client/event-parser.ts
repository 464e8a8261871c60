import { StreamError } from './failures.ts';

/** One server-sent event. */
export interface ServerEvent {
  id: string | undefined;
  event: string;
  data: string;
}

/** Takes a stream's text in pieces; returns the events that each piece completes. */
export type EventParser = (text: string) => ServerEvent[];

/** Makes a parser of server-sent events (WHATWG HTML §9.2.6) that holds one event of at most so many characters. */
export function createEventParser(maxLength: number): EventParser {
  let rest = '';
  let length = 0;
  let id: string | undefined;
  let event = '';
  let data: string[] = [];

  const hold = (more: number) => {
    if (length + more > maxLength) throw new StreamError(`an event of more than ${maxLength} characters`, true);
  };
  const take = (line: string): ServerEvent | undefined => {
    if (line === '') {
      const complete = data.length > 0 ? { id, event: event || 'message', data: data.join('\n') } : undefined;
      [id, event, data, length] = [undefined, '', [], 0];
      return complete;
    }
    hold(line.length);
    length += line.length;
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (name === 'data') data.push(value);
    else if (name === 'event') event = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
    return undefined;
  };
  return (text) => {
    const events: ServerEvent[] = [];
    // @NOTE a CR at the end may be half of a CRLF: it waits for what follows.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    for (const line of lines) {
      const complete = take(line);
      if (complete) events.push(complete);
    }
    hold(rest.length);
    return events;
  };
}

import { type ChangeType, changeTypes, type Message } from './messages.ts';

const width = 7;
const reasons = ['', 'HIDDEN', 'FILTERED'] as const;

/** Names of rows as numbers, the same for all clients. */
export class Names {
  private readonly numbers = new Map<string, number>();
  readonly names: string[] = [];

  numberOf(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.names.length);
    return this.names.push(name) - 1;
  }
}

/** A message that came, and when. */
export interface ReceivedMessage extends Message {
  id: string;
  at: number;
}

/** Everything that one client was told, in the order in which it came; packed, for there are millions. */
export class Received {
  private readonly names: Names;
  private data = new Float64Array(width * 1024);
  count = 0;
  /** Places of the holes that were told: the number of messages before, when, and the reason. */
  readonly resyncs: { before: number; at: number; reason: string }[] = [];

  constructor(names: Names) {
    this.names = names;
  }

  add(id: string, m: Message, at: number): void {
    if ((this.count + 1) * width > this.data.length) {
      const larger = new Float64Array(this.data.length * 2);
      larger.set(this.data);
      this.data = larger;
    }
    const kind = changeTypes.indexOf(m.type) * 100 + Math.max(0, reasons.indexOf(m.reason));
    this.data.set([this.names.numberOf(id), kind, m.version, m.node, m.previous, m.changed, at], this.count++ * width);
  }

  addResync(reason: string, at: number): void {
    this.resyncs.push({ before: this.count, at, reason });
  }

  get(index: number): ReceivedMessage {
    const [name, kind, version, node, previous, changed, at] = this.data.subarray(index * width, (index + 1) * width);
    return {
      id: this.names.names[name!]!,
      type: changeTypes[Math.floor(kind! / 100)] as ChangeType,
      reason: reasons[kind! % 100]!,
      version: version!,
      node: node!,
      previous: previous!,
      changed: changed!,
      at: at!,
    };
  }
}

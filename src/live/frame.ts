/** One result for whoever is in a group, ready to be sent: written once, shared by all. */
export class Frame {
  /** The execution result as JSON text. */
  readonly text: string;
  /** The place in the log behind it, sealed; what a client resumes from. */
  readonly cursor: string | undefined;
  private encoded: string | undefined;

  constructor(text: string, cursor?: string) {
    this.text = text;
    this.cursor = cursor;
  }

  /**
   * The text's UTF-8, each byte as one character (latin1).
   * @NOTE a string, not a Buffer: what a socket is handed as latin1 is joined and written without a copy of its own.
   */
  get bytes(): string {
    const { text } = this;
    // What is ASCII is its own UTF-8, and needs no copy.
    this.encoded ??= Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1');
    return this.encoded;
  }
}

/** A frame of a stream of changes, and the place in the log that it tells of. */
export class PlacedFrame extends Frame {
  readonly seq: number;
  /** The transaction of the entry; none of what tells no change. */
  readonly transaction: string | undefined;

  constructor(seq: number, cursor: string, text: string, transaction?: string) {
    super(text, cursor);
    this.seq = seq;
    this.transaction = transaction;
  }
}

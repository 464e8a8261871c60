/** A database and what is asked of it, for all peers alike. */
export interface World {
  name: 'blog' | 'tracker';
  /** The project that Millrace serves: its `prisma/` and `app/`. */
  project: string;
  /** Names of the peers that can serve this world, beside Millrace and the hand-written one. */
  others: readonly OtherPeer[];
  /** Makes the tables and their rows. */
  furnish(url: string): Promise<void>;
  /** Who asks, and for what. */
  describe(url: string): Promise<{ askers: Asker[]; shapes: Shape[] }>;
}

/** Peers that stand on packages of their own. */
export type OtherPeer = 'postgraphile' | 'mercurius' | 'stock';

/** Whoever asks. */
export interface Asker {
  role: 'member' | 'admin';
  sub: string;
}

/** Names a shape on the command line, and is the hand-written peer's path. */
export type ShapeName =
  | 'by-id'
  | 'nested'
  | 'flat'
  | 'page'
  | 'groups'
  | 'groups-all'
  | 'custom'
  | 'create'
  | 'update'
  | 'create-nested';

/** Something to read, or to write, that every peer is asked for. */
export interface Shape {
  name: ShapeName;
  title: string;
  /** What Millrace is asked, and whoever else answers the same document. */
  query: string;
  /** What another peer is asked, in its own words. */
  queries?: Partial<Record<OtherPeer, string>>;
  /** Brings another peer's data to the form of Millrace's. */
  forms?: Partial<Record<OtherPeer, (data: never) => unknown>>;
  /** What every peer is told besides, in turn. */
  variables: Record<string, unknown>[];
  /** Peers that cannot be asked for it. */
  without?: readonly OtherPeer[];
  /** What must be the same of all answers, in Millrace's form, where not all can be: a row that was made has an id of its own. */
  comparable?: (data: never) => unknown;
  /** What every peer has to refuse. */
  refused?: Record<string, unknown>;
  /** Requests of a round. */
  requests: number;
}

/**
 * Stands in variables for a number of eight digits, another one with each request, so that a write always changes something.
 * @NOTE of the same length, so that a body need not be made anew.
 */
export const numberMark = '########';

/** One request as it is written by hand. */
export interface Statement {
  text: (isAdmin: boolean) => string;
  values: (input: Record<string, unknown>) => unknown[];
  /** The answer's text, of the only row's only column. */
  wrap: (json: string | null) => string;
}

/** Statements by the name of their shape. */
export type Statements = Partial<Record<ShapeName, Statement>>;

import type { Action } from './rule-set.ts';

/** A rule that was asked of one row in a preview, and what it said; of a row that is not there as of one that is hidden. */
export interface Judgment {
  /** Where in the arguments the row is named, as `data.project.connect`. */
  path: string;
  /** The model's name in the API. */
  model: string;
  /** What was to be done with the row; its being visible is `read`. */
  action: Action;
  /** The fields that were set, whose rules were asked with it. */
  fields?: readonly string[];
  allowed: boolean;
}

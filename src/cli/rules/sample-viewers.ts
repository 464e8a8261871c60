import { stranger, type Viewer, viewerOf } from '../../viewer.ts';
import type { RulesOptions } from '../rules.ts';

/** Somebody whom the rules are asked for. */
export interface SampleViewer {
  label: string;
  viewer: Viewer;
}

/** A value that stands for whatever a token says, and what it is printed as. */
export interface Placeholder {
  value: string;
  name: string;
}

/** How somebody is called who is signed in and has no role. */
export const signedIn = 'signed in';

const rolePrefix = 'role ';

/** Whether somebody is called so for a role. */
export const isRole = (label: string): boolean => label.startsWith(rolePrefix);

/** @NOTE digits, since a rule may make a number of it; nobody writes these into a rule. */
const placeholderFor = (name: string, index: number): Placeholder => ({ value: String(815_190_000_017 + index), name });

/** A stranger, somebody signed in, and one of each role; and what stands for their id and claims. */
export function sampleViewers(
  { role: roles = [], claim = {} }: RulesOptions,
  adminRole: string,
): { viewers: SampleViewer[]; placeholders: Placeholder[] } {
  const open = Object.keys(claim).filter((name) => claim[name] === undefined);
  const placeholders = ['id', ...open.map((name) => `claims.${name}`)].map((name, i) =>
    placeholderFor(`viewer.${name}`, i),
  );
  const [{ value: sub }, ...ofClaims] = placeholders as [Placeholder, ...Placeholder[]];
  const stands = Object.fromEntries(open.map((name, i) => [name, ofClaims[i]!.value]));
  const claims = { ...claim, ...stands, sub };
  return {
    placeholders,
    viewers: [
      { label: 'stranger', viewer: stranger },
      { label: signedIn, viewer: viewerOf(claims, adminRole) },
      ...roles.map((role) => ({ label: `${rolePrefix}${role}`, viewer: viewerOf({ ...claims, role }, adminRole) })),
    ],
  };
}

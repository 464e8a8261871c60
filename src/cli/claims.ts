/** The value of a claim on a command line: JSON where it is JSON, and text otherwise. */
export function parseClaim(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Gives a new token to an open socket, so that what runs on it goes on; false when the socket is not open, and the next one
 * will ask `connectionParams`. Take the socket from graphql-ws's `connected` event. A token of another user closes it.
 */
export function renewToken(socket: unknown, token: string): boolean {
  const { readyState, send } = (socket ?? {}) as { readyState?: number; send?: (data: string) => void };
  if (readyState !== 1 || !send) return false;
  send.call(socket, JSON.stringify({ type: 'ping', payload: { authorization: `Bearer ${token}` } }));
  return true;
}

/**
 * Where to dial; TypeError where that is no address.
 *
 * @param {string | URL} url  "wss://host/ws", "https://host", or a page's own "/ws"
 * @param {{room: string, name?: string}} options
 * @returns {URL}
 */
export function endpoint(url, {room, name}) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace('http', 'ws');
  if (!/^wss?:$/.test(address.protocol)) throw new TypeError(`${url} is no address of a server: wss://host/ws is, or https://host`);
  if (address.pathname === '/') address.pathname = '/ws';
  address.searchParams.set('room', room);
  if (name) address.searchParams.set('name', name);
  return address;
}

/**
 * Where to ask who is in a room. The query has the room too, for balancers that choose
 * a server by it: it is the same one that `endpoint` leads to.
 *
 * @param {string | URL} url  as for endpoint
 * @param {string} room
 * @returns {URL}
 */
export function lookup(url, room) {
  const address = endpoint(url, {room});
  address.protocol = address.protocol.replace('ws', 'http');
  address.pathname = `${address.pathname.replace(/\/(ws)?$/, '')}/rooms/${encodeURIComponent(room)}`;
  return address;
}

/**
 * A number from 0 to 1 that is the same for everyone in a room (FNV-1a).
 *
 * @param {string} name
 */
export function spread(name) {
  let hash = 0x811c9dc5;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash / 2 ** 32;
}

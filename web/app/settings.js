/**
 * What the address asks for.
 *
 * @typedef {object} Settings
 * @property {string} room
 * @property {string} token
 * @property {string} [codec]
 * @property {boolean} simulcast
 * @property {MediaTrackConstraints} video
 */

/** @param {Location} address @returns {Settings} */
export function readSettings(address) {
  const query = new URLSearchParams(address.search);
  const fragment = new URLSearchParams(address.hash.slice(1));
  const [width = 960, height = 540, frameRate = 30] = (query.get('video') ?? '').split('x').flatMap((text) => Number(text) || []);
  return {
    room: address.pathname.startsWith('/r/') ? address.pathname.slice(3) : '',
    token: fragment.get('token') ?? query.get('token') ?? '',
    codec: query.get('codec') ?? undefined,
    simulcast: query.get('simulcast') === '1',
    video: {width: {ideal: width}, height: {ideal: height}, frameRate: {ideal: frameRate}},
  };
}

/** A room's address, without whatever secret the own one carries. @param {string} room */
export function roomLink(room) {
  return `${location.origin}/r/${room}`;
}

/** The name used last; storage may be forbidden, which costs only the memory. */
export function recallName() {
  try {
    return localStorage.getItem('plenum.name') ?? '';
  } catch {
    return '';
  }
}

/** @param {string} name */
export function rememberName(name) {
  try {
    localStorage.setItem('plenum.name', name);
  } catch {
    // Private windows of some browsers.
  }
}

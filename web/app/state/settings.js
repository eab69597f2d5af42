/**
 * What the address asks for.
 *
 * @typedef {object} Settings
 * @property {string} room
 * @property {string} token
 * @property {import('../../plenum.js').SendOptions} send
 * @property {string} language  '' for the browser's
 * @property {MediaTrackConstraints} video
 */

/** @param {Location} address @returns {Settings} */
export function readSettings(address) {
  const query = new URLSearchParams(address.search);
  const fragment = new URLSearchParams(address.hash.slice(1));
  const [width = 960, height = 540, frameRate = 30] = (query.get('video') ?? '').split('x').flatMap((text) => Number(text) || []);
  return {
    room: roomOf(address.pathname),
    token: fragment.get('token') ?? query.get('token') ?? '',
    send: {
      codec: query.get('codec') ?? (query.has('svc') ? 'VP9' : undefined),
      simulcast: query.get('simulcast') !== '0',
      scalabilityMode: query.get('svc') ?? undefined,
    },
    language: query.get('lang') ?? '',
    video: {width: {ideal: width}, height: {ideal: height}, frameRate: {ideal: frameRate}},
  };
}

/** The room of a path, with the letters that people see. @param {string} path */
function roomOf(path) {
  if (!path.startsWith('/r/')) return '';
  const room = path.slice(3).replace(/\/+$/, '');
  try {
    return decodeURIComponent(room).normalize('NFC');
  } catch {
    return room; // no UTF-8
  }
}

/** A room's address, without whatever secret the own one carries. @param {string} room */
export function roomLink(room) {
  return `${location.origin}/r/${room}`;
}

/** A name for a room that nobody guesses: 13 letters and digits. */
export function newRoomName() {
  const letters = 'abcdefghijkmnpqrstuvwxyz23456789';
  const name = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => letters[byte % letters.length]).join('');
  return name.replace(/(.{4})(?=.)/g, '$1-');
}

/** What the browser remembers. '' among the devices is the default one. */
const defaults = {
  name: '', camera: '', microphone: '', speaker: '',
  mirror: true, blur: false, sounds: false, shortcuts: true, theme: 'system', language: '', view: 'grid',
};

/** @typedef {typeof defaults} Preferences */

/** @type {Preferences} */
export const preferences = recall();

/**
 * Changes what is remembered.
 *
 * @param {Partial<Preferences>} changes
 */
export function remember(changes) {
  Object.assign(preferences, changes);
  try {
    localStorage.setItem('plenum', JSON.stringify(preferences));
  } catch {
    // Private windows of some browsers forbid storage, which costs only the memory.
  }
}

function recall() {
  const known = {...defaults};
  try {
    const stored = JSON.parse(localStorage.getItem('plenum') ?? '{}');
    for (const key of /** @type {(keyof Preferences)[]} */ (Object.keys(defaults))) {
      // An older version, or someone's hand, may have written another type.
      if (typeof stored[key] === typeof defaults[key]) Object.assign(known, {[key]: stored[key]});
    }
  } catch {
    // As above.
  }
  return known;
}

/**
 * The constraints that open the chosen device. It has to be this one: among wishes
 * a browser would weigh it against the size of the picture.
 *
 * @param {'camera' | 'microphone'} kind
 * @param {Settings} settings
 * @returns {MediaTrackConstraints}
 */
export function constraintsOf(kind, settings) {
  const id = preferences[kind];
  const picture = kind === 'camera' ? {...settings.video, ...(preferences.blur && {backgroundBlur: {ideal: true}})} : {};
  return {...picture, ...(id && {deviceId: {exact: id}})};
}

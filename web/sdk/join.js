import {endpoint} from './address.js';
import {PlenumError} from './errors.js';
import {Room} from './room.js';

/** @typedef {import('./events.js').JoinOptions} JoinOptions */

/**
 * Joins a room.
 *
 * @param {string | URL} url  the server: "wss://host/ws", or a page's "/ws"
 * @param {JoinOptions} options
 * @returns {Promise<Room>} once the server has taken us in; PlenumError where it has not
 */
export function join(url, options) {
  return new Promise((resolve, reject) => {
    // Pages without types would find themselves in a room called "undefined".
    if (!options?.room) throw new TypeError('join needs a room: join(url, {room: "demo"})');
    // Some are built without it, and some people switch it off.
    if (!('RTCPeerConnection' in globalThis)) throw new PlenumError('unsupported', 'This browser has no WebRTC, or it is switched off.', true);
    options.signal?.throwIfAborted();
    const address = endpoint(url, options);
    address.searchParams.set('early', '1'); // we know what to do with the transport in `joined`
    const room = new Room(address, options, resolve, reject);
    options.signal?.addEventListener('abort', () => {
      reject(options.signal?.reason);
      room.leave();
    }, {once: true, signal: room.closed});
  });
}

import {lookup} from './address.js';

/**
 * @typedef {object} RoomInfo
 * @property {{name: string}[]} participants  who is there, in the order of joining; at most 100 of them
 * @property {number} count  how many there are
 * @property {boolean} full  whether nobody else is let in at the moment
 */

/**
 * Asks who is in a room, without joining it.
 *
 * @param {string | URL} url  the server, as for join
 * @param {{room: string, token?: string, signal?: AbortSignal}} options
 * @returns {Promise<RoomInfo | null>}  null where the server does not say
 */
export async function peek(url, {room, token, signal}) {
  const address = lookup(url, room);
  try {
    const response = await fetch(address, {signal, headers: token ? {authorization: `Bearer ${token}`} : {}});
    if (!response.ok) return null;
    const {participants, count = participants.length, full = false} = await response.json();
    return {participants, count, full};
  } catch {
    signal?.throwIfAborted();
    return null;
  }
}

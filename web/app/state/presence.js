import {peek} from '../../sdk/peek.js';

/** @typedef {import('../../plenum.js').RoomInfo} RoomInfo */

/** So long a name is being typed before anyone asks about it, and so often is asked again; in milliseconds. */
const typing = 300;
const interval = 4000;
/** A server that does not say now will hardly say it soon. */
const longInterval = 20_000;

/** Who is in the room that somebody thinks of joining, kept up to date as long as it is watched. */
export class Presence {
  #token;
  #changed;
  #room = '';
  /** @type {AbortController | null} */
  #life = null;

  /** @param {string} token @param {(info: RoomInfo | null) => void} changed  null while it is not known */
  constructor(token, changed) {
    this.#token = token;
    this.#changed = changed;
  }

  /** @param {string} room  '' watches none */
  watch(room) {
    if (room === this.#room) return;
    this.#room = room;
    this.#life?.abort();
    this.#life = new AbortController();
    const {signal} = this.#life;
    this.#changed(null);
    if (room) setTimeout(() => this.#ask(room, signal), typing);
  }

  /** @param {string} room @param {AbortSignal} signal */
  async #ask(room, signal) {
    if (signal.aborted) return;
    const info = await peek('/ws', {room, token: this.#token, signal}).catch(() => null);
    if (signal.aborted) return;
    this.#changed(info);
    setTimeout(() => this.#ask(room, signal), info ? interval : longInterval);
  }
}

/**
 * @typedef {import('./protocol.js').ClientMessage} ClientMessage
 *
 * @typedef {object} Wish  what this page wants of someone's track; unsaid: everything
 * @property {boolean} [enabled]  false: nothing at all
 * @property {number} [width]  at most, in device pixels (CSS pixels × devicePixelRatio)
 * @property {number} [height]
 * @property {number} [fps]
 * @property {number} [priority]  who matters more when bandwidth is short; 0 by default
 */

/** Tiles that are being resized say so often; the server needs to hear it this seldom, in milliseconds. */
const interval = 250;

/**
 * What this page wants of the others' tracks. Changes are gathered and sent
 * together; the wishes are said again after every (re)connection.
 */
export class Subscriptions {
  /** @type {Map<string, Wish>} by track id */
  #wishes = new Map();
  /** Track ids to tell the server about. @type {Set<string>} */
  #unsent = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #send;
  /** Whether the server has ever been asked: it may then remap m-lines without an offer. */
  asked = false;

  /** @param {(message: ClientMessage) => boolean} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {string} id @param {Wish} wish */
  set(id, wish) {
    if (JSON.stringify(this.#wishes.get(id)) === JSON.stringify(wish)) return;
    this.#wishes.set(id, wish);
    this.#unsent.add(id);
    this.#timer ??= setTimeout(() => this.#flush(), interval);
  }

  /** The track is gone. @param {string} id */
  forget(id) {
    this.#wishes.delete(id);
    this.#unsent.delete(id);
  }

  /** A session began or went on over a new socket. */
  repeat() {
    for (const id of this.#wishes.keys()) this.#unsent.add(id);
    this.#flush();
  }

  close() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unsent.clear();
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const tracks = [...this.#unsent].map((id) => ({id, ...this.#wishes.get(id)}));
    if (tracks.length === 0 || !this.#send({type: 'subscribe', tracks})) return;
    this.asked = true;
    this.#unsent.clear();
  }
}

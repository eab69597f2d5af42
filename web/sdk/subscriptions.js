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

/** Who comes into sight or grows waits for a picture: that is said within this time, if the interval allows. */
const soon = 20;

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
  /** How long the timer waits. */
  #wait = 0;
  /** A message went out within the last interval. */
  #resting = false;
  #send;
  /** Whether the server has ever been asked: it may then remap m-lines without an offer. */
  asked = false;

  /** @param {(message: ClientMessage) => boolean} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {string} id @param {Wish} wish */
  set(id, wish) {
    const before = this.#wishes.get(id);
    if (JSON.stringify(before) === JSON.stringify(wish)) return;
    this.#wishes.set(id, wish);
    this.#unsent.add(id);
    this.#plan(!this.#resting && isMore(before, wish) ? soon : interval);
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

  /** Sends what there is within that time, or as planned before if that is sooner. @param {number} wait */
  #plan(wait) {
    if (this.#timer !== undefined && this.#wait <= wait) return;
    clearTimeout(this.#timer);
    this.#wait = wait;
    this.#timer = setTimeout(() => {
      this.#resting = false;
      this.#flush();
    }, wait);
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const tracks = [...this.#unsent].map((id) => ({id, ...this.#wishes.get(id)}));
    if (tracks.length === 0 || !this.#send({type: 'subscribe', tracks})) return;
    this.asked = true;
    this.#unsent.clear();
    this.#resting = true;
    this.#plan(interval);
  }
}

/** @param {Wish | undefined} before @param {Wish} wish */
function isMore(before, {enabled = true, width = Infinity, height = Infinity}) {
  if (!enabled || !before) return enabled;
  return before.enabled === false || width > (before.width ?? Infinity) || height > (before.height ?? Infinity);
}

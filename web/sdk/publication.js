import {sync} from './sending.js';

/**
 * @typedef {import('./protocol.js').Kind} Kind
 * @typedef {import('./sending.js').LocalTrack} LocalTrack
 *
 * @typedef {object} PublicationOwner
 * @property {(local: LocalTrack) => void} muteChanged
 * @property {(publication: Publication, locals: LocalTrack[]) => void} removed
 */

/**
 * What one call of `publish` sends: a camera with its microphone, a screen with its
 * sound, or a single track. It outlives sessions: when the server had to make a new
 * one, the same publication is sent there.
 */
export class Publication {
  #locals;
  #owner;
  #ended = false;

  /**
   * @param {LocalTrack[]} locals
   * @param {PublicationOwner} owner
   */
  constructor(locals, owner) {
    this.#locals = locals;
    this.#owner = owner;
    for (const local of locals) this.#watch(local.track);
  }

  /** The tracks that are being sent or muted. */
  get tracks() {
    return this.#locals.map((local) => local.track);
  }

  /** The source of the first track: `camera`, `microphone`, `screen` or `screen-audio`. */
  get source() {
    return this.#locals[0]?.source;
  }

  /** Whether everything in it is muted. */
  get muted() {
    return this.#locals.every((local) => local.muted);
  }

  /** Whether it was unpublished, by hand or because all its tracks ended. */
  get ended() {
    return this.#ended;
  }

  /**
   * Stops sending without giving up the track, and tells the others.
   *
   * @param {Kind} [kind]  only the audio, only the video; else both
   */
  async mute(kind) {
    await this.#setMuted(true, kind);
  }

  /** @param {Kind} [kind] */
  async unmute(kind) {
    await this.#setMuted(false, kind);
  }

  /**
   * Sends another track in place of the one of its kind: another camera, say. The
   * old track is not stopped. No negotiation is needed.
   *
   * @param {MediaStreamTrack} track
   */
  async replaceTrack(track) {
    const local = this.#locals.find((one) => one.track.kind === track.kind);
    if (!local) throw new TypeError(`This publication has no ${track.kind} to replace.`);
    local.track = track;
    track.enabled = !local.muted;
    this.#watch(track);
    await sync(local);
  }

  /** Stops sending for good. The tracks themselves go on: whoever opened them stops them. */
  unpublish() {
    if (this.#ended) return;
    this.#ended = true;
    this.#owner.removed(this, this.#locals);
  }

  /** @param {boolean} muted @param {Kind} [kind] */
  async #setMuted(muted, kind) {
    const changed = this.#locals.filter((one) => one.muted !== muted && (!kind || one.track.kind === kind));
    await Promise.all(changed.map((local) => {
      local.muted = muted;
      local.track.enabled = !muted;
      this.#owner.muteChanged(local);
      return sync(local);
    }));
  }

  /** A device pulled out, or "Stop sharing" in the browser's own bar. @param {MediaStreamTrack} track */
  #watch(track) {
    track.addEventListener('ended', () => {
      const current = this.#locals.map((local) => local.track);
      if (current.includes(track) && current.every((one) => one.readyState === 'ended')) this.unpublish();
    }, {once: true});
  }
}

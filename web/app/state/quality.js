/**
 * What is said about the quality of the pictures: seldom, and only what lasts. Nothing
 * here knows the room or the clock; times are in milliseconds.
 *
 * @typedef {'' | 'reduced' | 'paused'} Want  what is missing for want of bandwidth
 */

/** So long must it be so before it is said of a tile. */
const before = {reduced: 4000, paused: 1000};

/** So long must all be well before a tile's mark goes. A picture that is back shows that at once. */
const after = 4000;

/** So long must any tile have its mark before the person is told, and none before that is taken back. */
const lasting = 6000;

export class Quality {
  /** By track id. @type {Map<string, {want: Want, since: number, shown: Want}>} */
  #tracks = new Map();
  /** Since when some tile has a mark, or none has. */
  #since = 0;
  #marked = false;
  /** Whether the person is to be told. */
  weak = false;

  /** @param {string} id @param {Want} want @param {number} now */
  update(id, want, now) {
    const track = this.#tracks.get(id) ?? {want: '', since: now, shown: ''};
    this.#tracks.set(id, track);
    if (track.want !== want) Object.assign(track, {want, since: now});
    if (track.shown === 'paused' && want !== 'paused') track.shown = 'reduced';
    this.tick(now);
  }

  /** Forgets all other tracks. @param {Set<string>} ids */
  keep(ids) {
    for (const id of this.#tracks.keys()) if (!ids.has(id)) this.#tracks.delete(id);
  }

  clear() {
    this.#tracks.clear();
    this.weak = this.#marked = false;
  }

  /** Time passes. @param {number} now @returns {boolean} whether anything is to be said differently */
  tick(now) {
    let changed = false;
    for (const track of this.#tracks.values()) {
      const wait = track.want ? before[track.want] : after;
      if (track.shown === track.want || now - track.since < wait) continue;
      track.shown = track.want;
      changed = true;
    }
    const marked = [...this.#tracks.values()].some(({shown}) => shown);
    if (marked !== this.#marked) {
      this.#marked = marked;
      this.#since = now;
    }
    if (this.weak !== marked && now - this.#since >= lasting) {
      this.weak = marked;
      changed = true;
    }
    return changed;
  }

  /** @param {string} id @returns {Want} */
  of(id) {
    return this.#tracks.get(id)?.shown ?? '';
  }
}

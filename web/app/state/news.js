/** @typedef {import('./call.js').Notice} Notice */

/** So many of a kind are worth telling at once: whoever floods the room must not bury what the app has to say. */
export const most = {shown: 6, spoken: 3};

/** Notices on their way to the page: of those that come together the newest few, the spoken ones apart. */
export class News {
  /** @type {Notice[]} */
  #shown = [];
  /** @type {Notice[]} */
  #spoken = [];

  /** @param {Notice} notice */
  add(notice) {
    const list = notice.quiet ? this.#spoken : this.#shown;
    list.push(notice);
    if (list.length > (notice.quiet ? most.spoken : most.shown)) list.shift();
  }

  /** @returns {Notice[]} what is to be told now, the oldest of a kind first */
  take() {
    const all = [...this.#shown, ...this.#spoken];
    this.#shown = [];
    this.#spoken = [];
    return all;
  }
}

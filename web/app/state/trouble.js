import {Quality} from './quality.js';
import {t} from './text.js';

/**
 * @typedef {import('../../plenum.js').Room} Room
 * @typedef {import('../../plenum.js').CallStatistics} CallStatistics
 */

/** So many samples in a row must say the same before anyone is told, each a second apart. */
const patience = 6;

/** So many samples are kept for the plots. */
const history = 90;

/** What is wrong with the call, and the numbers behind it. */
export class Trouble {
  /** When the next attempt to connect comes, in milliseconds of performance.now; 0 while none is waited for. */
  retryAt = 0;
  /** What is missing in the pictures for want of bandwidth. */
  quality = new Quality();
  /** Who (ids) can't decode what of one's own. @type {Map<import('../../plenum.js').Publication, {codec: string, viewers: string[]}>} */
  unreached = new Map();
  /** The browser sends less than it could. */
  weakUp = false;
  /** @type {CallStatistics[]} */
  samples = [];
  #room;
  #changed;
  #draining = false;
  #limited = 0;
  #timer;

  /** @param {Room} room @param {(notice: {text: string}) => void} notify @param {() => void} changed */
  constructor(room, notify, changed) {
    this.#room = room;
    this.#changed = changed;
    room.on('retry', ({after}) => { this.retryAt = performance.now() + after; });
    room.on('drain', () => {
      this.#draining = true;
      notify({text: t('draining')});
    });
    room.on('joined', ({resumed}) => {
      if (this.#draining && !resumed) notify({text: t('moved')});
      else if (this.retryAt > 0) notify({text: t('reconnected')});
      this.#draining = false;
      this.retryAt = 0;
      if (!resumed) {
        this.quality.clear();
        this.unreached.clear();
      }
    });
    room.on('unreached', ({publication, codec, viewers}) => {
      if (viewers.length > 0) this.unreached.set(publication, {codec, viewers});
      else this.unreached.delete(publication);
      changed();
    });
    room.on('unpublished', ({publication}) => this.unreached.delete(publication));
    room.on('quality', ({tracks}) => {
      for (const {id, layer, reason} of tracks) {
        this.quality.update(id, reason !== 'bandwidth' ? '' : layer === null ? 'paused' : 'reduced', performance.now());
      }
    });
    for (const event of /** @type {const} */ (['participant-updated', 'participant-left'])) room.on(event, () => this.#forget());
    this.#timer = setInterval(() => this.#sample(), 1000);
  }

  /** Whole seconds until the next attempt. */
  get countdown() {
    return this.retryAt > 0 ? Math.max(0, Math.ceil((this.retryAt - performance.now()) / 1000)) : 0;
  }

  close() {
    clearInterval(this.#timer);
  }

  /** Tracks that are gone lack nothing. */
  #forget() {
    const tracks = [...this.#room.participants.values()].flatMap((one) => [...one.tracks.keys()]);
    this.quality.keep(new Set(tracks));
  }

  async #sample() {
    if (this.quality.tick(performance.now())) this.#changed();
    if (this.#room.state === 'reconnecting') this.#changed(); // the countdown
    const sample = await this.#room.statistics().catch(() => null);
    if (!sample) return;
    this.samples.push(sample);
    if (this.samples.length > history) this.samples.shift();
    const sent = sample.tracks.filter((one) => one.direction === 'out' && one.kind === 'video' && one.fps > 0);
    const limited = sent.some((one) => one.limitation === 'bandwidth') && sent.every((one) => one.height < 180);
    this.#limited = limited ? this.#limited + 1 : 0;
    const weak = this.#limited >= patience;
    if (weak !== this.weakUp) {
      this.weakUp = weak;
      this.#changed();
    }
  }
}

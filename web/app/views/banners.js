import {perFrame} from '../../sdk/frames.js';
import {News, most} from '../state/news.js';
import {t} from '../state/text.js';
import {byId, make} from './dom.js';

/**
 * @typedef {import('../state/call.js').CallState} CallState
 * @typedef {import('../state/call.js').Notice} Notice
 */

const banners = byId('banners', HTMLElement);
const notices = byId('notices', HTMLElement);

/** How long a notice stays, in milliseconds; with a button it stays longer. */
const stay = 6000;

/** So many people are called by their names. */
const few = 3;

/** @param {string[]} names */
function named(names) {
  return names.slice(0, few).join(', ') + (names.length > few ? ` +${names.length - few}` : '');
}

/** What is wrong stays as a banner until it is right again; news come and go as notices. */
export class Banners {
  #call;
  #news = new News();

  /** @param {CallState} call */
  constructor(call) {
    this.#call = call;
    const tell = perFrame(() => {
      const closed = call.room.state === 'closed';
      for (const notice of this.#news.take()) if (!closed) this.#notice(notice);
    });
    call.on('notice', (notice) => {
      this.#news.add(notice);
      tell();
    });
  }

  draw() {
    const {room, trouble, media, others} = this.#call;
    const {countdown} = trouble;
    const lost = room.state === 'reconnecting';
    // The seconds are not spoken: the sentence is, once.
    this.banner('state', lost ? t('reconnecting') : '', {
      shown: lost && countdown > 0 ? t('reconnectingIn', {n: countdown}) : '', action: t('tryNow'), run: () => room.reconnect(),
    });
    this.banner('weak', !lost && trouble.quality.weak ? t('weak') : !lost && trouble.weakUp ? t('weakUp') : '');
    this.banner('screen', media.screen ? t('sharingNow') : '', {action: t('stopSharing'), run: () => this.#call.run(() => media.toggle('screen'))});
    this.banner('unreached', [...trouble.unreached.values()].map(({codec, viewers}) => (
      t('cantReach', {names: named(viewers.map((id) => room.participants.get(id)?.name || t('guest'))), codec})
    )).join(' '));
    const unsupported = others.flatMap((one) => [...one.tracks.values()]).filter((track) => track.unsupported);
    this.banner('unsupported', unsupported.map((track) => (
      t('cantPlay', {name: track.participant.name || t('guest'), codec: track.unsupported ?? ''})
    )).join(' '));
  }

  /**
   * Shows a lasting banner, or takes it away where the text is empty.
   *
   * @param {string} key
   * @param {string} text
   * @param {{shown?: string, action?: string, run?: () => void}} [more]  shown: for the eye, in place of the text
   */
  banner(key, text, {shown = '', action, run} = {}) {
    const old = banners.querySelector(`[data-banner="${key}"]`);
    if (!text) {
      old?.remove();
      return;
    }
    const visible = shown || text;
    if (old instanceof HTMLElement && old.dataset.text === text) {
      const eye = old.querySelector('[aria-hidden]');
      if (eye && eye.textContent !== visible) eye.textContent = visible;
      return;
    }
    const banner = make('div', {className: 'banner'}, make('span', {className: 'spoken', textContent: text}), make('span', {textContent: visible, ariaHidden: 'true'}));
    Object.assign(banner.dataset, {banner: key, text});
    if (action && run) banner.append(make('button', {type: 'button', className: 'link', textContent: action, onclick: run}));
    if (old) old.replaceWith(banner);
    else banners.append(banner);
  }

  /** @param {Notice} notice */
  #notice({text, action, run, quiet}) {
    const element = make('div', {className: quiet ? 'spoken' : 'notice'}, make('span', {textContent: text}));
    const remove = () => element.remove();
    if (action && run) {
      element.append(make('button', {type: 'button', className: 'link', textContent: action, onclick: () => {
        remove();
        run();
      }}));
    }
    notices.append(element);
    const alike = notices.getElementsByClassName(element.className);
    while (alike.length > (quiet ? most.spoken : most.shown)) alike[0]?.remove();
    setTimeout(remove, action ? 2 * stay : stay);
  }

  close() {
    banners.replaceChildren();
    notices.replaceChildren();
  }
}

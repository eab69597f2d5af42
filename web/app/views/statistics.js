import {report} from '../state/report.js';
import {t} from '../state/text.js';
import {button, byId, make} from './dom.js';
import {plot} from './plot.js';

/**
 * @typedef {import('../state/call.js').CallState} CallState
 * @typedef {import('../../plenum.js').CallStatistics} CallStatistics
 */

const panel = byId('statistics', HTMLElement);
const body = byId('statistics-body', HTMLElement);

/** So many seconds are plotted. */
const seconds = 60;

/** How the call goes, in numbers and small plots. */
export class StatisticsPanel {
  #call;
  /** @type {CallStatistics | undefined} */
  #drawn;
  #timer;

  /** @param {CallState} call */
  constructor(call) {
    this.#call = call;
    button('copy-report').onclick = async () => {
      const text = report(call, navigator.userAgent);
      try {
        await navigator.clipboard.writeText(text);
        call.emitNotice({text: t('reportCopied')});
      } catch {
        // Without the clipboard it can still be marked and copied by hand.
        body.replaceChildren(make('pre', {textContent: text, tabIndex: 0}));
      }
    };
    this.#timer = setInterval(() => this.draw(), 1000);
  }

  draw() {
    const {samples} = this.#call.trouble;
    const latest = samples.at(-1);
    if (panel.hidden || (latest && latest === this.#drawn)) return;
    this.#drawn = latest;
    if (!latest) {
      body.replaceChildren(make('p', {className: 'hint', textContent: t('noStatistics')}));
      return;
    }
    const recent = samples.slice(-seconds);
    const row = (/** @type {string} */ title, /** @type {string} */ value, /** @type {(one: CallStatistics) => number} */ of, /** @type {number} */ floor) => (
      make('div', {className: 'stat'}, make('span', {textContent: title}), make('b', {textContent: value}), plot(recent.map(of), seconds, floor))
    );
    body.replaceChildren(
      row(t('received'), bits(latest.received), (one) => one.received, 100_000),
      row(t('sent'), bits(latest.sent), (one) => one.sent, 100_000),
      row(t('loss'), `${(100 * latest.loss).toFixed(1)} %`, (one) => one.loss, 0.05),
      row(t('roundTrip'), `${Math.round(1000 * latest.rtt)} ms`, (one) => one.rtt, 0.05),
      make('p', {className: 'hint', textContent: [
        `${t('path')}: ${latest.path || '–'}`,
        `${t('estimates')}: ${t('up')} ${latest.uplink ? bits(latest.uplink) : '–'}, ${t('down')} ${latest.downlink ? bits(latest.downlink) : '–'}`,
      ].join(' · ')}),
      this.#table(latest),
    );
  }

  close() {
    clearInterval(this.#timer);
    body.replaceChildren();
  }

  /** @param {CallStatistics} latest */
  #table({tracks}) {
    const owners = new Map(this.#call.others.flatMap((one) => [...one.tracks.values()].map((track) => [track.mid, `${one.name || t('guest')}`])));
    const cells = (/** @type {'th' | 'td'} */ tag, /** @type {string[]} */ texts) => make('tr', {}, ...texts.map((textContent) => make(tag, {textContent})));
    return make('table', {},
      make('thead', {}, cells('th', [t('track'), t('codec'), t('size'), t('bitrate'), t('loss')])),
      make('tbody', {}, ...tracks.filter((one) => one.bitrate > 0).map((one) => cells('td', [
        `${one.direction === 'in' ? '↓' : '↑'} ${one.direction === 'in' ? owners.get(one.mid) ?? one.mid : t('you_are')} ${one.rid}`.trim(),
        one.codec,
        one.kind === 'video' ? `${one.width}×${one.height} ${Math.round(one.fps)}/s` : '–',
        bits(one.bitrate),
        `${(100 * one.loss).toFixed(1)} %`,
      ]))));
  }
}

/** @param {number} rate  bit/s */
function bits(rate) {
  return rate >= 1e6 ? `${(rate / 1e6).toFixed(1)} Mbit/s` : `${Math.round(rate / 1000)} kbit/s`;
}

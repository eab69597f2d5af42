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
      row(t('estimateDown'), known(latest.downlink), (one) => one.downlink, 100_000),
      row(t('estimateUp'), known(latest.uplink), (one) => one.uplink, 100_000),
      make('p', {className: 'hint', textContent: `${t('path')}: ${latest.path || '–'}`}),
      this.#table(latest),
    );
  }

  close() {
    clearInterval(this.#timer);
    body.replaceChildren();
  }

  /** @param {CallStatistics} latest */
  #table({tracks}) {
    const received = new Map(this.#call.others.flatMap((one) => [...one.tracks.values()].map((track) => [track.mid, track])));
    const cells = (/** @type {'th' | 'td'} */ tag, /** @type {string[]} */ texts) => make('tr', {}, ...texts.map((textContent) => make(tag, {textContent})));
    return make('table', {},
      make('thead', {}, cells('th', [t('track'), t('codec'), t('size'), t('layer'), t('bitrate'), t('loss'), t('freezes')])),
      make('tbody', {}, ...tracks.filter((one) => one.bitrate > 0).map((one) => {
        const track = one.direction === 'in' ? received.get(one.mid) : undefined;
        const video = one.kind === 'video';
        return cells('td', [
          one.direction === 'out' ? `↑ ${t('you_are')}` : `↓ ${track ? track.participant.name || t('guest') : one.mid}`,
          one.codec,
          video ? pictureOf(one) : '–',
          video ? (track ? layerOf(track) : `${one.rid} ${one.layers}`.trim()) || '–' : '–',
          bits(one.bitrate),
          percent(one.loss),
          video && track ? String(one.freezes) : '–',
        ]);
      })));
  }
}

/** Numbers on a tile while the panel is open, or none. @param {import('./tile.js').TileModel} model @param {CallState} call @returns {{lines: string[], plot: SVGSVGElement} | null} */
export function numbersOf({trackId, key}, call) {
  const {samples} = call.trouble;
  const latest = samples.at(-1);
  if (panel.hidden || !latest || !trackId) return null;
  const track = call.others.flatMap((one) => [...one.tracks.values()]).find((one) => one.id === trackId);
  if (!track?.mid || !key.endsWith(track.participant.id)) return null;
  const of = (/** @type {CallStatistics} */ sample) => sample.tracks.find((one) => one.direction === 'in' && one.mid === track.mid);
  const now = of(latest);
  if (!now) return null;
  return {
    lines: [
      `${pictureOf(now)} · ${now.codec}`,
      `${bits(now.bitrate)} · ${t('layer')} ${layerOf(track) || '–'}`,
      `${t('loss')} ${percent(now.loss)} · ${t('freezes')} ${now.freezes}`,
    ],
    plot: plot(samples.slice(-seconds).map((one) => of(one)?.bitrate ?? 0), seconds, 100_000),
  };
}

/** @param {import('../../plenum.js').CallStatistics['tracks'][number]} one */
function pictureOf({width, height, fps}) {
  return `${width}×${height} ${Math.round(fps)}/s`;
}

/** "S1 T2 bandwidth": what the server forwards, and why not more. @param {import('../../plenum.js').RemoteTrack} track */
function layerOf({quality}) {
  if (!quality) return '';
  const {layer, reason} = quality;
  return `${layer ? `S${layer.spatial} T${layer.temporal}` : '0'} ${reason}`.trim();
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** @param {number} rate  bit/s, 0 where unknown */
function known(rate) {
  return rate ? bits(rate) : '–';
}

/** @param {number} rate  bit/s */
function bits(rate) {
  return rate >= 1e6 ? `${(rate / 1e6).toFixed(1)} Mbit/s` : `${Math.round(rate / 1000)} kbit/s`;
}

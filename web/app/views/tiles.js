import {arrange, capacity} from '../state/layout.js';
import {preferences} from '../state/settings.js';
import {t} from '../state/text.js';
import {button, byId, say} from './dom.js';
import {numbersOf} from './statistics.js';
import {Tile} from './tile.js';

/**
 * @typedef {import('../state/call.js').CallState} CallState
 * @typedef {import('../../plenum.js').Participant} Participant
 * @typedef {import('./tile.js').TileModel} TileModel
 */

const area = byId('tiles', HTMLElement);
const grid = byId('grid', HTMLElement);
const pager = byId('pager', HTMLElement);
const pageOf = byId('page-of', HTMLElement);
const previous = button('previous-page');
const next = button('next-page');
const alone = byId('alone', HTMLElement);

/** The pictures: which are in sight, where, and in which size they are asked of the server. */
export class Tiles {
  #call;
  #actions;
  /** Those in sight. @type {Map<string, Tile>} */
  #tiles = new Map();
  /** The tile that is large, or ''. */
  #large = '';
  #resize = new ResizeObserver(() => this.draw());
  #timer;
  /** Tracks whose packets have stopped or come back make the tile look different. @type {WeakSet<MediaStreamTrack>} */
  #watched = new WeakSet();
  /** Tracks that have ever carried packets. @type {WeakSet<MediaStreamTrack>} */
  #alive = new WeakSet();

  /** @param {CallState} call @param {() => void} blocked  the browser refuses to play before a click */
  constructor(call, blocked) {
    this.#call = call;
    this.#actions = {blocked, pin: (/** @type {string} */ key) => call.pin(key)};
    this.#resize.observe(grid);
    this.#timer = setInterval(() => this.#measure(), 1000);
    previous.onclick = () => call.turnPage(-1);
    next.onclick = () => call.turnPage(1);
  }

  draw() {
    const call = this.#call;
    if (call.room.state === 'closed') return;
    const models = this.#models();
    const size = {width: grid.clientWidth, height: grid.clientHeight};
    const featured = this.#featured(models);
    const {places, page, pages} = arrange(size, models.map(({key}) => key), featured, call.page);
    call.page = page;
    call.inSight = featured === null ? capacity(size) : Math.max(2, places.size - 1);
    for (const [key, tile] of this.#tiles) {
      if (places.has(key)) continue;
      tile.remove();
      this.#tiles.delete(key);
    }
    this.#large = '';
    /** @type {Element | null} */
    let before = null;
    for (const model of models) {
      const place = places.get(model.key);
      if (!place) continue;
      const tile = this.#tiles.get(model.key) ?? new Tile(model, this.#actions);
      this.#tiles.set(model.key, tile);
      if (place.large) this.#large = model.key;
      tile.update(model);
      tile.move(place);
      // Elements that are moved in the document lose the focus and stop playing: only new ones are put in.
      if (!tile.root.isConnected) before ? before.after(tile.root) : grid.prepend(tile.root);
      before = tile.root;
    }
    this.#ask(models);
    pager.hidden = pages === 1;
    say(pageOf, pages === 1 ? '' : t('pageOf', {page: page + 1, pages}));
    previous.disabled = page === 0;
    next.disabled = page === pages - 1;
    alone.hidden = call.others.length > 0 || call.room.state !== 'connected';
    area.classList.toggle('staged', this.#large !== '');
  }

  /** The video that matters most: the large one, a speaker's, or any. @returns {HTMLVideoElement | null} */
  get mainVideo() {
    const keys = [this.#large, ...this.#call.speaking.map((id) => `camera ${id}`), ...[...this.#tiles.keys()].reverse()];
    for (const key of keys) {
      const tile = this.#tiles.get(key);
      if (tile?.root.classList.contains('video')) return tile.video;
    }
    return null;
  }

  /** Plays what the browser had blocked; call it from a click. */
  play() {
    for (const tile of this.#tiles.values()) if (tile.video.paused && tile.video.srcObject) tile.play();
  }

  close() {
    clearInterval(this.#timer);
    this.#resize.disconnect();
    for (const tile of this.#tiles.values()) tile.remove();
    this.#tiles.clear();
  }

  /** Puts the numbers of the statistics on the tiles. */
  #measure() {
    for (const model of this.#models()) this.#tiles.get(model.key)?.measure(numbersOf(model, this.#call));
  }

  /** What is to be large: what was pinned, else a screen, else who speaks where that is wanted. @param {TileModel[]} models */
  #featured(models) {
    const {pinned, view, lastSpoke, others} = this.#call;
    if (models.some(({key}) => key === pinned)) return pinned;
    const screen = models.findLast(({source, local}) => source === 'screen' && !local);
    if (screen) return screen.key;
    if (view !== 'speaker' || others.length === 0) return null;
    const [speaker] = [...others].sort((a, b) => (lastSpoke.get(b.id) ?? 0) - (lastSpoke.get(a.id) ?? 0));
    return `camera ${speaker?.id}`;
  }

  /** @returns {TileModel[]} */
  #models() {
    return [...this.#ownModels(), ...this.#call.others.flatMap((one) => this.#remoteModels(one))];
  }

  /** @returns {TileModel[]} */
  #ownModels() {
    const {media, room, name, speaking, conversation, pinned} = this.#call;
    const {camera, microphone, screen} = media;
    const base = {participant: room.localId, name: name || t('guest'), trackId: '', local: true, trouble: '', weak: false};
    const picture = camera && !camera.muted ? camera.tracks[0] ?? null : null;
    /** @type {TileModel[]} */
    const models = [{
      ...base, key: 'camera ', source: 'camera', track: picture, muted: microphone?.muted !== false,
      mirrored: preferences.mirror && media.facing === 'user', speaking: speaking.includes('') && microphone?.muted === false,
      hand: conversation.hands.has(''), pinned: pinned === 'camera ',
    }];
    const shared = screen?.tracks.find((track) => track.kind === 'video');
    if (shared) {
      models.push({
        ...base, key: 'screen ', source: 'screen', track: shared, muted: false, mirrored: false, speaking: false, hand: false,
        pinned: pinned === 'screen ',
      });
    }
    return models;
  }

  /** @param {Participant} participant @returns {TileModel[]} */
  #remoteModels({id, name, tracks}) {
    const {speaking, conversation, pinned, trouble, room} = this.#call;
    const all = [...tracks.values()];
    const models = [];
    for (const source of /** @type {const} */ (['camera', 'screen'])) {
      const video = all.find((track) => track.source === source && track.kind === 'video');
      if (source === 'screen' && !video?.mediaTrack && !video?.unsupported) continue;
      const picture = video && !video.muted ? video.mediaTrack : null;
      if (picture) this.#watch(picture);
      const key = `${source} ${id}`;
      const lack = video && !video.muted ? trouble.quality.of(video.id) : '';
      let why = '';
      if (video?.unsupported) why = t('unsupported', {codec: video.unsupported});
      else if (lack === 'paused') why = t('pausedWeak');
      else if (video && !video.muted && !picture) why = t('connecting');
      else if (picture?.muted && room.state === 'connected' && video?.quality?.reason !== 'subscription') why = t(this.#alive.has(picture) ? 'interrupted' : 'connecting');
      const camera = source === 'camera';
      models.push({
        key, participant: id, source, name: name || t('guest'), track: picture, trackId: video?.id ?? '', local: false, mirrored: false,
        muted: camera && !all.some((track) => track.source === 'microphone' && !track.muted),
        speaking: camera && speaking.includes(id), hand: camera && conversation.hands.has(id), pinned: pinned === key, trouble: why,
        weak: lack !== '',
      });
    }
    return models;
  }

  /** @param {MediaStreamTrack} track */
  #watch(track) {
    if (this.#watched.has(track)) return;
    this.#watched.add(track);
    for (const event of ['mute', 'unmute']) {
      track.addEventListener(event, () => {
        if (!track.muted) this.#alive.add(track);
        this.#call.changed();
      });
    }
    if (!track.muted) this.#alive.add(track);
  }

  /** Asks for every picture in the size of its tile, and for none that has no tile. @param {TileModel[]} models */
  #ask(models) {
    const {room, others} = this.#call;
    const tracks = new Map(others.flatMap((one) => [...one.tracks]));
    for (const {key, trackId, speaking} of models) {
      const track = tracks.get(trackId);
      if (!track) continue;
      const tile = this.#tiles.get(key);
      if (tile) tile.follow(room, track, key === this.#large ? 2 : speaking ? 1 : 0);
      else room.subscribe(track, {enabled: false});
    }
  }
}

import {byId, icon, make} from './page.js';

/**
 * @typedef {import('../sdk/room.js').Room} Room
 * @typedef {import('../plenum.js').Participant} Participant
 * @typedef {import('../plenum.js').RemoteTrack} RemoteTrack
 *
 * @typedef {object} TileModel  what one tile shows
 * @property {string} participant
 * @property {'camera' | 'screen'} source
 * @property {string} name
 * @property {MediaStreamTrack[]} tracks  to be played
 * @property {MediaStream | null} stream  that has exactly these tracks, if the browser made one
 * @property {boolean} video  whether there is a picture
 * @property {boolean} muted  whether its microphone is missing or muted
 * @property {boolean} local
 *
 * @typedef {{root: HTMLElement, video: HTMLVideoElement, name: HTMLElement, initial: HTMLElement}} Tile
 */

const tiles = byId('tiles', HTMLElement);
const stage = byId('stage', HTMLElement);
const grid = byId('grid', HTMLElement);
const gap = 10;

/** Everyone's tiles: screens on the stage, people in the grid. */
export class Grid {
  /** @type {Map<string, Tile>} by participant and source */
  #tiles = new Map();
  /** @type {Set<string>} */
  #speaking = new Set();
  #blocked;
  #resize = new ResizeObserver(() => this.#fit());

  /** @param {() => void} blocked  the browser refuses to play sound before a click */
  constructor(blocked) {
    this.#blocked = blocked;
    this.#resize.observe(grid);
  }

  /** Makes the tiles what the models say. @param {TileModel[]} models */
  render(models) {
    const keys = new Set(models.map(keyOf));
    for (const [key, tile] of this.#tiles) {
      if (keys.has(key)) continue;
      tile.video.srcObject = null;
      tile.root.remove();
      this.#tiles.delete(key);
    }
    for (const model of models) this.#update(model);
    tiles.classList.toggle('staged', stage.childElementCount > 0);
    this.#fit();
  }

  /** @param {string[]} ids  of those who speak now */
  speaking(ids) {
    this.#speaking = new Set(ids);
    for (const {root} of this.#tiles.values()) this.#ring(root);
  }

  /** Plays what the browser had blocked; call it from a click. */
  play() {
    for (const {video} of this.#tiles.values()) this.#start(video);
  }

  close() {
    this.render([]);
    this.#resize.disconnect();
  }

  /** @param {TileModel} model */
  #update(model) {
    const key = keyOf(model);
    const tile = this.#tiles.get(key) ?? build(model);
    if (!this.#tiles.has(key)) {
      this.#tiles.set(key, tile);
      (model.source === 'screen' ? stage : grid).append(tile.root);
    }
    const {root, video} = tile;
    tile.name.textContent = `${model.name}${model.source === 'screen' ? '’s screen' : ''}${model.local ? ' (you)' : ''}`;
    tile.initial.textContent = initial(model.name);
    root.dataset.muted = String(model.muted);
    root.classList.toggle('video', model.video);
    this.#ring(root);
    if (sameTracks(video.srcObject, model.tracks)) return;
    video.srcObject = model.tracks.length === 0 ? null : model.stream ?? new MediaStream(model.tracks);
    this.#start(video);
  }

  /** @param {HTMLVideoElement} video */
  #start(video) {
    if (!video.srcObject) return;
    video.play().catch((error) => {
      if (error.name === 'NotAllowedError') this.#blocked();
    });
  }

  /** @param {HTMLElement} root */
  #ring(root) {
    root.classList.toggle('speaking', root.dataset.source === 'camera' && this.#speaking.has(root.dataset.participant ?? ''));
  }

  /** Chooses the number of columns that makes the tiles largest. */
  #fit() {
    const count = grid.childElementCount;
    const {clientWidth: width, clientHeight: height} = grid;
    let best = 0;
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const across = (width - gap * (columns - 1)) / columns;
      const down = (height - gap * (rows - 1)) / rows;
      best = Math.max(best, Math.min(across, (down * 16) / 9));
    }
    grid.style.setProperty('--tile-width', `${Math.max(140, Math.floor(best))}px`);
  }
}

/**
 * What someone else's tiles show.
 *
 * @param {Participant} participant
 * @returns {TileModel[]}
 */
export function remoteTiles({id, name, tracks}) {
  const all = [...tracks.values()];
  const models = [model(id, 'camera', name, all.filter((track) => track.source === 'camera' || track.source === 'microphone'))];
  const screen = all.filter((track) => track.source === 'screen' || track.source === 'screen-audio');
  if (screen.some((track) => track.kind === 'video' && track.mediaTrack)) models.push(model(id, 'screen', name, screen));
  return models;
}

/** @param {string} participant @param {'camera' | 'screen'} source @param {string} name @param {RemoteTrack[]} all @returns {TileModel} */
function model(participant, source, name, all) {
  const playing = all.flatMap(({mediaTrack}) => mediaTrack ?? []);
  const stream = all.find((track) => sameTracks(track.stream, playing))?.stream ?? null;
  return {
    participant, source, name: name || 'Guest', tracks: playing, stream, local: false,
    video: all.some((track) => track.kind === 'video' && track.mediaTrack && !track.muted),
    muted: source === 'camera' && !all.some((track) => track.source === 'microphone' && !track.muted),
  };
}

/** @param {TileModel} model @returns {Tile} */
function build({participant, source, local, name: title}) {
  const video = make('video', {autoplay: true, playsInline: true, muted: local});
  const name = make('span');
  const initial = make('span');
  const root = make('article', {className: 'tile'}, video,
    make('div', {className: 'avatar'}, initial),
    make('div', {className: 'label'}, icon('mic-off'), name));
  Object.assign(root.dataset, {testid: 'tile', participant, source, local: String(local)});
  root.classList.toggle('mirrored', local && source === 'camera');
  root.style.setProperty('--hue', String([...title].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7)));
  return {root, video, name, initial};
}

/** @param {TileModel} model */
function keyOf({participant, source}) {
  return `${source} ${participant}`;
}

/** @param {string} name */
function initial(name) {
  return ([...name.trim()][0] ?? '?').toUpperCase();
}

/** @param {MediaProvider | null} media @param {MediaStreamTrack[]} tracks */
function sameTracks(media, tracks) {
  if (!(media instanceof MediaStream)) return tracks.length === 0;
  const have = media.getTracks();
  return have.length === tracks.length && tracks.every((track) => have.includes(track));
}

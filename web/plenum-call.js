/**
 * A call without a line of code:
 *
 *     <script type="module" src="https://HOST/plenum-call.js"></script>
 *     <plenum-call room="demo" name="Ada"></plenum-call>
 *
 * Attributes: `room`; `name`; `token`; `server` (else the one that this file came
 * from); `autojoin` (else there is a button); `audio-only` (no camera of one's own);
 * `watch-only` (nothing of one's own). With another `room` or `server` the call is
 * left, and joined there if it joins by itself.
 * Events: `joined`, `left` and `error`, each with `detail`. Property: `call`, the
 * Room while there is one. Methods: `join()` and `leave()`.
 * Style it from outside with `::part(tile)`, `::part(bar)` and `::part(button)`.
 */
import {DeviceError, LocalMedia, join} from './plenum.js';
import {css, mutedIcon} from './element/style.js';
import {explain, textOf} from './element/text.js';
import {perFrame} from './sdk/frames.js';

/**
 * @typedef {import('./plenum.js').Room} Room
 * @typedef {import('./plenum.js').Participant} Participant
 * @typedef {import('./plenum.js').RemoteTrack} RemoteTrack
 *
 * @typedef {'microphone' | 'camera' | 'screen'} Kind  what this page may send
 * @typedef {{root: HTMLElement, video: HTMLVideoElement, initial: HTMLElement, name: HTMLElement}} Tile
 */

const kinds = /** @type {const} */ (['microphone', 'camera', 'screen']);

/** After these events the call may look different. */
const changes = /** @type {const} */ (['joined', 'participant-joined', 'participant-left', 'participant-updated', 'track', 'track-ended']);

export class PlenumCall extends HTMLElement {
  /** The room while the call goes on. @type {Room | null} */
  call = null;
  #frame = document.createElement('section');
  #tiles = document.createElement('div');
  #bar = document.createElement('div');
  #note = document.createElement('p');
  /** Asks for a click while the browser plays nothing without one. */
  #blocked = document.createElement('div');
  /** From the wish to join until the call is over. @type {AbortController | null} */
  #life = null;
  /** @type {Promise<Room> | null} */
  #joining = null;
  /** What this page sends, while there is a call. @type {LocalMedia | null} */
  #own = null;
  /** @type {Map<string, Tile>} */
  #shown = new Map();
  /** What plays where, by tile or track. @type {Map<string, {track: RemoteTrack, end: () => void}>} */
  #playing = new Map();

  constructor() {
    super();
    const root = this.attachShadow({mode: 'open'});
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    this.#frame.className = 'frame';
    this.#tiles.className = 'tiles';
    this.#bar.className = 'bar';
    this.#bar.part.add('bar');
    this.#note.className = 'note';
    this.#note.setAttribute('role', 'alert');
    this.#blocked.className = 'blocked';
    this.#blocked.setAttribute('role', 'status');
    this.#frame.append(this.#tiles, this.#note, this.#blocked, this.#bar);
    this.#frame.onclick = () => { this.call?.startPlayback(); }; // whatever it was for, the browser takes it as leave to play
    root.append(this.#frame);
  }

  static get observedAttributes() {
    return ['room', 'server'];
  }

  connectedCallback() {
    this.#frame.setAttribute('aria-label', this.#text('call'));
    this.#draw();
    if (this.hasAttribute('autojoin')) this.join().catch(() => {}); // it is told as an event
  }

  disconnectedCallback() {
    this.leave();
  }

  /** @param {string} _ @param {string | null} before @param {string | null} after */
  attributeChangedCallback(_, before, after) {
    if (before === after || !this.#life) return;
    this.leave();
    if (this.hasAttribute('autojoin')) this.join().catch(() => {});
  }

  /**
   * Joins; the browser asks for camera and microphone. While it does so already, and
   * in the call, it does nothing more.
   *
   * @returns {Promise<Room>}
   */
  join() {
    this.#joining ??= this.#enter(this.#life = new AbortController());
    this.#draw();
    return this.#joining;
  }

  /** Leaves, or stops joining. */
  leave() {
    const life = this.#life;
    this.#life = this.#joining = null;
    life?.abort();
    this.#draw();
  }

  /** @param {AbortController} life @returns {Promise<Room>} */
  async #enter(life) {
    this.#note.textContent = '';
    try {
      const room = await join(this.getAttribute('server') ?? new URL('/ws', import.meta.url), {
        room: this.getAttribute('room') ?? '', name: this.getAttribute('name') ?? '', token: this.getAttribute('token') ?? '', signal: life.signal,
      });
      this.call = room;
      const own = this.#own = new LocalMedia(room, {changed: () => this.#draw()});
      this.#follow(room);
      this.#tell('joined', {room});
      if (this.hasAttribute('watch-only')) return room;
      for (const error of await own.start(this.hasAttribute('audio-only') ? ['microphone'] : ['microphone', 'camera'])) this.#fail(error);
      return room;
    } catch (error) {
      if (this.#life === life) {
        this.#life = this.#joining = null;
        this.#fail(error);
      }
      throw error;
    } finally {
      this.#draw();
    }
  }

  /** @param {Room} room */
  #follow(room) {
    const draw = perFrame(() => this.#draw());
    for (const event of changes) room.on(event, draw);
    room.on('speakers', ({speakers}) => {
      for (const {root} of this.#shown.values()) root.classList.toggle('speaking', speakers.some(({id}) => root.dataset.speaker === id));
    });
    room.on('playback', ({blocked}) => {
      const focused = this.#blocked.contains(this.shadowRoot?.activeElement ?? null);
      this.#blocked.replaceChildren(...(blocked ? [this.#button(this.#text('play'))] : []));
      if (focused) this.#bar.querySelector('button')?.focus();
    });
    room.on('error', ({error}) => { if (error.fatal) this.#fail(error); });
    room.on('state', ({state}) => {
      if (state === 'reconnecting') this.#note.textContent = this.#text('lost');
      if (state === 'connected') this.#note.textContent = '';
      if (state === 'closed') this.#end();
    });
  }

  #end() {
    this.#own?.close();
    this.#own = null;
    for (const {end} of this.#playing.values()) end();
    this.#playing.clear();
    this.#shown.clear();
    this.#tiles.replaceChildren();
    this.#blocked.replaceChildren();
    this.call = null;
    this.#life = this.#joining = null;
    this.#draw();
    this.#tell('left', {});
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#note.textContent = explain(error, this.#language);
    this.#tell('error', {error});
  }

  /** @param {Kind} kind */
  async #press(kind) {
    const room = this.call;
    try {
      await this.#own?.toggle(kind);
    } catch (error) {
      // Whoever closes the browser's own picker, or has left, needs no message about it.
      const declined = error instanceof DeviceError && error.kind === 'screen' && error.reason === 'denied';
      if (!declined && this.call === room) this.#fail(error);
    }
  }

  #draw() {
    this.#drawBar();
    const room = this.call;
    if (!room) return;
    const wanted = new Set(this.hasAttribute('watch-only') ? [] : [this.#drawOwn(room, 'camera')]);
    if (this.#own?.screen) wanted.add(this.#drawOwn(room, 'screen'));
    for (const participant of room.participants.values()) for (const key of this.#drawOther(room, participant)) wanted.add(key);
    for (const [key, {end}] of this.#playing) {
      if (wanted.has(key)) continue;
      end();
      this.#playing.delete(key);
      this.#tiles.querySelector(`#${CSS.escape(key)}`)?.remove();
    }
    for (const [key, {root}] of this.#shown) {
      if (wanted.has(key)) continue;
      root.remove();
      this.#shown.delete(key);
    }
  }

  /** @param {Room} room @param {'camera' | 'screen'} kind @returns {string} */
  #drawOwn(room, kind) {
    const own = this.#own?.[kind];
    const track = (own?.muted === false && own.tracks.find((one) => one.kind === 'video')) || null;
    const key = `own ${kind}`;
    const {root, video, initial} = this.#tile(key, this.#text('you'), kind === 'screen', !this.#own?.isOn('microphone'));
    initial.textContent = firstLetter(this.getAttribute('name') || this.#text('you'));
    root.classList.add('own');
    root.classList.toggle('video', track !== null);
    if (kind === 'camera') root.dataset.speaker = room.localId;
    const shown = video.srcObject instanceof MediaStream ? video.srcObject.getTracks()[0] ?? null : null;
    if (shown !== track) video.srcObject = track && new MediaStream([track]);
    return key;
  }

  /** @param {Room} room @param {Participant} participant @returns {string[]} what remains of it */
  #drawOther(room, {id, name, tracks}) {
    const all = [...tracks.values()];
    const silent = !all.some(({source, muted}) => source === 'microphone' && !muted);
    const keys = [];
    for (const source of /** @type {const} */ (['camera', 'screen'])) {
      const track = all.find((one) => one.source === source && one.mediaTrack && !one.muted);
      if (source === 'screen' && !track) continue;
      const key = `${source} ${id}`;
      const {root, video} = this.#tile(key, name || this.#text('guest'), source === 'screen', silent);
      root.classList.toggle('video', track !== undefined);
      if (source === 'camera') root.dataset.speaker = id;
      keys.push(key);
      this.#play(room, key, track, video);
    }
    for (const track of all) {
      if (track.kind !== 'audio' || !track.mediaTrack) continue;
      const key = `audio ${track.id}`;
      keys.push(key);
      if (!this.#playing.has(key)) this.#play(room, key, track, this.#tiles.appendChild(Object.assign(document.createElement('audio'), {id: key})));
    }
    return keys;
  }

  /** @param {Room} room @param {string} key @param {RemoteTrack | undefined} track @param {HTMLMediaElement} element */
  #play(room, key, track, element) {
    const before = this.#playing.get(key);
    if (before?.track === track) return;
    before?.end();
    if (track) this.#playing.set(key, {track, end: room.attach(track, element)});
    else this.#playing.delete(key);
  }

  /** The buttons are made anew only where there are others, so that the focus stays. */
  #drawBar() {
    const able = this.hasAttribute('watch-only') ? [] : kinds.filter((kind) => (
      kind === 'screen' ? globalThis.navigator.mediaDevices && 'getDisplayMedia' in navigator.mediaDevices : kind === 'microphone' || !this.hasAttribute('audio-only')
    ));
    const state = this.call ? `in ${able}` : this.#life ? 'joining' : 'out';
    if (this.#bar.dataset.state !== state) {
      this.#bar.dataset.state = state;
      const focused = this.#bar.contains(this.shadowRoot?.activeElement ?? null);
      this.#bar.replaceChildren(...this.#buttons(able));
      if (focused) /** @type {HTMLElement | null} */ (this.#bar.querySelector('button:enabled'))?.focus();
    }
    if (!this.call) return;
    able.forEach((kind, index) => this.#bar.children[index]?.setAttribute('aria-pressed', String(this.#own?.isOn(kind) ?? false)));
  }

  /** @param {Kind[]} able */
  #buttons(able) {
    if (!this.#life) return [this.#button(this.#text('join'), () => { this.join().catch(() => {}); })];
    const leave = this.#button(this.#text('leave'), () => this.leave());
    leave.classList.add('leave');
    if (this.call) return [...able.map((kind) => this.#button(this.#text(kind), () => this.#press(kind))), leave];
    const waiting = this.#button(this.#text('joining'));
    waiting.disabled = true;
    return [waiting, leave];
  }

  /** @param {string} key @param {string} name @param {boolean} screen @param {boolean} muted  its person's microphone @returns {Tile} */
  #tile(key, name, screen, muted) {
    const tile = this.#shown.get(key) ?? this.#makeTile(key, screen);
    tile.name.textContent = name;
    tile.initial.textContent = firstLetter(name);
    tile.root.classList.toggle('muted', muted && !screen);
    tile.root.setAttribute('aria-label', muted && !screen ? `${name}, ${this.#text('muted')}` : name);
    return tile;
  }

  /** @param {string} key @param {boolean} screen @returns {Tile} */
  #makeTile(key, screen) {
    const root = document.createElement('figure');
    root.part.add('tile');
    root.classList.toggle('screen', screen);
    const video = Object.assign(document.createElement('video'), {autoplay: true, playsInline: true, muted: true});
    const initial = Object.assign(document.createElement('span'), {className: 'initial'});
    const name = document.createElement('span');
    const caption = document.createElement('figcaption');
    caption.append(mutedIcon(), name);
    for (const element of [video, initial, caption]) element.setAttribute('aria-hidden', 'true'); // the figure itself says what it is
    root.append(video, initial, caption);
    this.#tiles.append(root);
    const tile = {root, video, initial, name};
    this.#shown.set(key, tile);
    return tile;
  }

  /** @param {string} name @param {() => void} [action] */
  #button(name, action) {
    const button = Object.assign(document.createElement('button'), {type: 'button', textContent: name, onclick: action ?? null});
    button.part.add('button');
    return button;
  }

  get #language() {
    return this.closest('[lang]')?.getAttribute('lang') || navigator.language;
  }

  /** @param {import('./element/text.js').Text} key */
  #text(key) {
    return textOf(key, this.#language);
  }

  /** @param {string} name @param {object} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, {detail}));
  }
}

/** @param {string} name */
function firstLetter(name) {
  return [...name.trim()][0]?.toUpperCase() ?? '';
}

customElements.define('plenum-call', PlenumCall);

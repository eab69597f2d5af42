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
import {DeviceError, join, openDevice, openDevices} from './plenum.js';

/**
 * @typedef {import('./plenum.js').Room} Room
 * @typedef {import('./plenum.js').Participant} Participant
 * @typedef {import('./plenum.js').RemoteTrack} RemoteTrack
 * @typedef {import('./sdk/publication.js').Publication} Publication
 *
 * @typedef {'audio' | 'video' | 'screen'} Kind  what this page may send
 * @typedef {{root: HTMLElement, video: HTMLVideoElement, initial: HTMLElement, name: HTMLElement}} Tile
 */

const texts = {
  en: {join: 'Join the call', joining: 'Joining…', leave: 'Leave', audio: 'Microphone', video: 'Camera', screen: 'Share screen', lost: 'Reconnecting…', play: 'Play sound', you: 'You', guest: 'Guest', muted: 'microphone off', call: 'Call'},
  zh: {join: '加入通话', joining: '正在加入…', leave: '离开', audio: '麦克风', video: '摄像头', screen: '共享屏幕', lost: '正在重新连接…', play: '播放声音', you: '你', guest: '访客', muted: '麦克风已关闭', call: '通话'},
};

const css = `
:host { display: block; min-height: 220px; position: relative; background: #14161b; color: #f2f4f8; font: 15px/1.4 system-ui, sans-serif; border-radius: 12px; overflow: hidden; }
:host([hidden]) { display: none; }
.frame { display: flex; flex-direction: column; height: 100%; min-height: inherit; }
.tiles { flex: 1; min-height: 0; display: grid; gap: 6px; padding: 6px; grid-template-columns: repeat(auto-fit, minmax(min(220px, 100%), 1fr)); align-content: center; overflow: auto; }
figure { position: relative; margin: 0; aspect-ratio: 16 / 9; border-radius: 10px; overflow: hidden; background: #252932; display: grid; place-items: center; }
figure.screen { grid-column: 1 / -1; order: -1; }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
figure:not(.video) video { visibility: hidden; }
figure.screen video { object-fit: contain; }
figure.own:not(.screen) video { transform: scaleX(-1); }
.initial { width: 2.2em; line-height: 2.2em; border-radius: 50%; background: #3a4150; font-size: 28px; text-align: center; }
figure.video .initial { display: none; }
figcaption { position: absolute; inset-inline-start: 6px; bottom: 6px; max-width: calc(100% - 28px); display: flex; align-items: center; gap: 4px; padding: 1px 8px; border-radius: 6px; background: rgb(10 12 16 / .75); font-size: 13px; }
figcaption span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
figcaption svg { flex: none; width: 14px; fill: none; stroke: #ffb4a9; stroke-width: 2; stroke-linecap: round; }
figure:not(.muted) svg { display: none; }
figure.speaking { outline: 3px solid #4cd18b; outline-offset: -3px; }
.bar { display: flex; flex-wrap: wrap; gap: 6px; justify-content: center; padding: 6px; }
button { font: inherit; color: inherit; border: 0; border-radius: 10px; padding: 9px 14px; background: #2b2f39; cursor: pointer; }
button[aria-pressed=true] { background: #2c63dd; color: #fff; }
button:disabled { color: #aab1bf; cursor: default; }
button:focus-visible { outline: 3px solid #8db4ff; outline-offset: 2px; }
button.leave { background: #c62a30; }
.note { margin: 0; padding: 0 12px; text-align: center; color: #ffb4a9; }
.blocked { text-align: center; padding: 6px; }
.blocked button { background: #f2f4f8; color: #14161b; }
.note:empty, .blocked:empty { display: none; }
`;

const kinds = /** @type {const} */ (['audio', 'video', 'screen']);

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
  /** @type {Record<Kind, Publication | null>} */
  #own = {audio: null, video: null, screen: null};
  /** What is being opened or closed at the moment. @type {Set<Kind>} */
  #busy = new Set();
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
      this.#follow(room);
      this.#tell('joined', {room});
      if (!this.hasAttribute('watch-only')) await this.#open(room, this.hasAttribute('audio-only') ? ['audio'] : ['audio', 'video']);
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

  /** Opens and publishes. @param {Room} room @param {Kind[]} wanted */
  async #open(room, wanted) {
    const busy = this.#busy;
    for (const kind of wanted) busy.add(kind);
    const {camera, microphone, errors} = await openDevices({camera: wanted.includes('video') && {}, microphone: wanted.includes('audio') && {}});
    for (const kind of wanted) busy.delete(kind);
    if (room.state === 'closed') {
      camera?.stop();
      microphone?.stop();
      return;
    }
    if (microphone) this.#own.audio = room.publish(microphone);
    if (camera) this.#own.video = room.publish(camera);
    for (const error of errors) this.#fail(error);
  }

  /** @param {Room} room */
  #follow(room) {
    for (const event of changes) room.on(event, () => this.#draw());
    room.on('unpublished', ({publication}) => {
      for (const track of publication.tracks) track.stop();
      for (const kind of kinds) if (this.#own[kind] === publication) this.#own[kind] = null;
      this.#draw();
    });
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
    for (const kind of kinds) {
      for (const track of this.#own[kind]?.tracks ?? []) track.stop();
      this.#own[kind] = null;
    }
    this.#busy = new Set();
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
    this.#note.textContent = error instanceof Error ? error.message : String(error);
    this.#tell('error', {error});
  }

  /** One change of a kind at a time; a second press meanwhile does nothing. @param {Kind} kind */
  async #toggle(kind) {
    const room = this.call;
    const busy = this.#busy;
    if (!room || busy.has(kind)) return;
    busy.add(kind);
    try {
      await this.#change(room, kind, this.#own[kind]);
    } catch (error) {
      // Whoever closes the browser's own picker, or has left, needs no message about it.
      const declined = error instanceof DeviceError && error.kind === 'screen' && error.reason === 'denied';
      if (!declined && room.state !== 'closed') this.#fail(error);
    } finally {
      busy.delete(kind);
      this.#draw();
    }
  }

  /** @param {Room} room @param {Kind} kind @param {Publication | null} own */
  async #change(room, kind, own) {
    if (kind === 'screen') {
      if (own) own.unpublish();
      else this.#own.screen = await room.publishScreen();
    } else if (!own) {
      await this.#open(room, [kind]);
    } else if (kind === 'audio') {
      await (own.muted ? own.unmute() : own.mute());
    } else if (own.muted) {
      await own.replaceTrack(await openDevice('camera', {signal: room.closed}));
      await own.unmute();
    } else {
      await own.mute();
      for (const track of own.tracks) track.stop(); // its light goes out
    }
  }

  #draw() {
    this.#drawBar();
    const room = this.call;
    if (!room) return;
    const wanted = new Set(this.hasAttribute('watch-only') ? [] : [this.#drawOwn(room, 'video')]);
    if (this.#own.screen) wanted.add(this.#drawOwn(room, 'screen'));
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

  /** @param {Room} room @param {'video' | 'screen'} kind @returns {string} */
  #drawOwn(room, kind) {
    const own = this.#own[kind];
    const track = (own?.muted === false && own.tracks.find((one) => one.kind === 'video')) || null;
    const key = `own ${kind}`;
    const {root, video, initial} = this.#tile(key, this.#text('you'), kind === 'screen', this.#own.audio?.muted !== false);
    initial.textContent = firstLetter(this.getAttribute('name') || this.#text('you'));
    root.classList.add('own');
    root.classList.toggle('video', track !== null);
    if (kind === 'video') root.dataset.speaker = room.localId;
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
      kind === 'screen' ? globalThis.navigator.mediaDevices && 'getDisplayMedia' in navigator.mediaDevices : kind === 'audio' || !this.hasAttribute('audio-only')
    ));
    const state = this.call ? `in ${able}` : this.#life ? 'joining' : 'out';
    if (this.#bar.dataset.state !== state) {
      this.#bar.dataset.state = state;
      const focused = this.#bar.contains(this.shadowRoot?.activeElement ?? null);
      this.#bar.replaceChildren(...this.#buttons(able));
      if (focused) /** @type {HTMLElement | null} */ (this.#bar.querySelector('button:enabled'))?.focus();
    }
    if (!this.call) return;
    able.forEach((kind, index) => this.#bar.children[index]?.setAttribute('aria-pressed', String(this.#own[kind]?.muted === false)));
  }

  /** @param {Kind[]} able */
  #buttons(able) {
    if (!this.#life) return [this.#button(this.#text('join'), () => { this.join().catch(() => {}); })];
    const leave = this.#button(this.#text('leave'), () => this.leave());
    leave.classList.add('leave');
    if (this.call) return [...able.map((kind) => this.#button(this.#text(kind), () => this.#toggle(kind))), leave];
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

  /** @param {keyof typeof texts.en} key */
  #text(key) {
    const language = (this.closest('[lang]')?.getAttribute('lang') || navigator.language).startsWith('zh') ? 'zh' : 'en';
    return texts[language][key];
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

function mutedIcon() {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  path.setAttribute('d', 'm4 4 16 16M9 9v2a3 3 0 0 0 5 2.200M15 11V6a3 3 0 0 0-5.700-1.300M6 11a6 6 0 0 0 9.500 5M12 18v3');
  svg.append(path);
  return svg;
}

customElements.define('plenum-call', PlenumCall);

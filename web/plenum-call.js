/**
 * A call without a line of code:
 *
 *     <script type="module" src="https://HOST/plenum-call.js"></script>
 *     <plenum-call room="demo" name="Ada"></plenum-call>
 *
 * Attributes: `room`; `name`; `token`; `server` (else the one that this file came
 * from); `autojoin` (else there is a button); `audio-only`; `watch-only`.
 * Events: `joined`, `left` and `error`, each with `detail`. Property: `call`, the
 * Room while there is one. Methods: `join()` and `leave()`.
 * Style it from outside with `::part(tile)`, `::part(bar)` and `::part(button)`.
 */
import {join, openDevices} from './plenum.js';

/**
 * @typedef {import('./plenum.js').Room} Room
 * @typedef {import('./plenum.js').RemoteTrack} RemoteTrack
 * @typedef {import('./sdk/publication.js').Publication} Publication
 */

const texts = {
  en: {join: 'Join the call', joining: 'Joining…', leave: 'Leave', audio: 'Microphone', video: 'Camera', screen: 'Share screen', lost: 'Reconnecting…', you: 'You', guest: 'Guest', call: 'Call'},
  zh: {join: '加入通话', joining: '正在加入…', leave: '离开', audio: '麦克风', video: '摄像头', screen: '共享屏幕', lost: '正在重新连接…', you: '你', guest: '访客', call: '通话'},
};

const css = `
:host { display: block; min-height: 220px; position: relative; background: #14161b; color: #f2f4f8; font: 15px/1.4 system-ui, sans-serif; border-radius: 12px; overflow: hidden; }
:host([hidden]) { display: none; }
.frame { display: flex; flex-direction: column; height: 100%; min-height: inherit; }
.tiles { flex: 1; min-height: 0; display: grid; gap: 6px; padding: 6px; grid-template-columns: repeat(auto-fit, minmax(min(220px, 100%), 1fr)); align-content: center; overflow: auto; }
figure { position: relative; margin: 0; aspect-ratio: 16 / 9; border-radius: 10px; overflow: hidden; background: #252932; }
figure.screen { grid-column: 1 / -1; }
video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: cover; }
figure.screen video { object-fit: contain; }
figure.own:not(.screen) video { transform: scaleX(-1); }
figcaption { position: absolute; inset-inline-start: 6px; bottom: 6px; padding: 1px 8px; border-radius: 6px; background: rgb(10 12 16 / .75); font-size: 13px; }
figure.speaking { outline: 3px solid #4cd18b; outline-offset: -3px; }
.bar { display: flex; flex-wrap: wrap; gap: 6px; justify-content: center; padding: 6px; }
button { font: inherit; color: inherit; border: 0; border-radius: 10px; padding: 9px 14px; background: #2b2f39; cursor: pointer; }
button[aria-pressed=true] { background: #2c63dd; color: #fff; }
button:focus-visible { outline: 3px solid #8db4ff; outline-offset: 2px; }
button.leave { background: #c62a30; }
.note { margin: 0; padding: 0 12px; text-align: center; color: #ffb4a9; }
.note:empty { display: none; }
`;

const sources = /** @type {const} */ (['audio', 'video', 'screen']);

export class PlenumCall extends HTMLElement {
  /** The room while the call goes on. @type {Room | null} */
  call = null;
  #tiles = document.createElement('div');
  #bar = document.createElement('div');
  #note = document.createElement('p');
  /** @type {AbortController | null} */
  #life = null;
  /** @type {Record<'audio' | 'video' | 'screen', Publication | null>} */
  #own = {audio: null, video: null, screen: null};
  /** Ends the playing of a track. @type {Map<string, () => void>} */
  #detach = new Map();

  constructor() {
    super();
    const root = this.attachShadow({mode: 'open'});
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    const frame = document.createElement('section');
    frame.className = 'frame';
    frame.setAttribute('aria-label', this.#text('call'));
    this.#tiles.className = 'tiles';
    this.#bar.className = 'bar';
    this.#bar.part.add('bar');
    this.#note.className = 'note';
    this.#note.setAttribute('role', 'alert');
    frame.append(this.#tiles, this.#note, this.#bar);
    root.append(frame);
  }

  static get observedAttributes() {
    return ['room', 'server'];
  }

  connectedCallback() {
    this.#draw();
    if (this.hasAttribute('autojoin')) this.join().catch(() => {}); // it is told as an event
  }

  disconnectedCallback() {
    this.leave();
  }

  attributeChangedCallback() {
    if (this.call) this.leave();
  }

  /** Joins; the browser asks for camera and microphone. @returns {Promise<Room>} */
  async join() {
    if (this.call) return this.call;
    this.#life?.abort();
    const life = this.#life = new AbortController();
    this.#note.textContent = '';
    this.#draw();
    try {
      const room = await join(this.getAttribute('server') ?? new URL('/ws', import.meta.url), {
        room: this.getAttribute('room') ?? '', name: this.getAttribute('name') ?? '', token: this.getAttribute('token') ?? '', signal: life.signal,
        on: {error: ({error}) => { if (error.fatal) this.#fail(error); }},
      });
      this.call = room;
      this.#follow(room);
      this.#tell('joined', {room});
      if (!this.hasAttribute('watch-only')) await this.#publish(room);
      return room;
    } catch (error) {
      if (!life.signal.aborted) this.#fail(error);
      throw error;
    } finally {
      if (!this.call && this.#life === life) this.#life = null;
      this.#draw();
    }
  }

  leave() {
    const life = this.#life;
    this.#life = null;
    life?.abort();
  }

  /** @param {Room} room */
  async #publish(room) {
    const {camera, microphone} = await openDevices({camera: this.hasAttribute('audio-only') ? false : {}});
    if (room.state === 'closed') {
      camera?.stop();
      microphone?.stop();
      return;
    }
    if (microphone) this.#own.audio = room.publish(microphone);
    if (camera) this.#own.video = room.publish(camera);
  }

  /** @param {Room} room */
  #follow(room) {
    for (const event of /** @type {const} */ (['track', 'track-ended', 'participant-left', 'participant-updated', 'unpublished'])) room.on(event, () => this.#draw());
    room.on('unpublished', ({publication}) => {
      for (const track of publication.tracks) track.stop();
      for (const source of sources) if (this.#own[source] === publication) this.#own[source] = null;
      this.#draw();
    });
    room.on('speakers', ({speakers}) => {
      for (const tile of this.#tiles.children) tile.classList.toggle('speaking', speakers.some(({id}) => tile.id === `camera ${id}`));
    });
    room.on('state', ({state}) => {
      this.#note.textContent = state === 'reconnecting' ? this.#text('lost') : '';
      if (state === 'closed') this.#end();
    });
  }

  #end() {
    for (const source of sources) {
      for (const track of this.#own[source]?.tracks ?? []) track.stop();
      this.#own[source] = null;
    }
    for (const detach of this.#detach.values()) detach();
    this.#detach.clear();
    this.call = null;
    this.#life = null;
    this.#tiles.replaceChildren();
    this.#draw();
    this.#tell('left', {});
  }

  /** @param {unknown} error */
  #fail(error) {
    this.#note.textContent = error instanceof Error ? error.message : String(error);
    this.#tell('error', {error});
  }

  /** @param {'audio' | 'video' | 'screen'} source */
  async #toggle(source) {
    const room = this.call;
    if (!room) return;
    try {
      const own = this.#own[source];
      if (source === 'screen') {
        if (own) own.unpublish();
        else this.#own.screen = await room.publishScreen();
      } else if (own) {
        await (own.muted ? own.unmute() : own.mute());
      } else {
        await this.#publish(room);
      }
    } catch (error) {
      this.#note.textContent = error instanceof Error ? error.message : String(error);
    }
    this.#draw();
  }

  #draw() {
    const room = this.call;
    this.#drawBar();
    if (!room) return;
    const wanted = new Set();
    for (const source of /** @type {const} */ (['screen', 'video'])) {
      const own = this.#own[source];
      const track = own?.tracks.find((one) => one.kind === 'video');
      if (!track || own?.muted) continue;
      const [tile, video] = this.#tile(`${source} own`, this.#text('you'), source === 'screen');
      wanted.add(tile.id);
      tile.classList.add('own');
      if (video.srcObject === null) video.srcObject = new MediaStream([track]);
    }
    for (const participant of room.participants.values()) {
      for (const track of participant.tracks.values()) {
        if (track.kind === 'audio' && track.mediaTrack) wanted.add(this.#listen(room, track));
        if (track.kind !== 'video' || !track.mediaTrack || track.muted) continue;
        const [tile, video] = this.#tile(`${track.source} ${participant.id}`, participant.name || this.#text('guest'), track.source === 'screen');
        wanted.add(tile.id);
        if (!this.#detach.has(tile.id)) this.#detach.set(tile.id, room.attach(track, video));
      }
    }
    for (const [key, detach] of this.#detach) {
      if (wanted.has(key)) continue;
      detach();
      this.#detach.delete(key);
    }
    for (const tile of [...this.#tiles.children]) if (!wanted.has(tile.id)) tile.remove();
  }

  /** The buttons are made anew only where there are others, so that the focus stays. */
  #drawBar() {
    const state = this.call ? 'in' : this.#life ? 'joining' : 'out';
    if (this.#bar.dataset.state !== state) {
      this.#bar.dataset.state = state;
      if (state === 'in') {
        const leave = this.#button(this.#text('leave'), () => this.leave());
        leave.classList.add('leave');
        this.#bar.replaceChildren(...sources.map((source) => this.#button(this.#text(source), () => this.#toggle(source))), leave);
      } else {
        this.#bar.replaceChildren(this.#button(this.#text(state === 'out' ? 'join' : 'joining'), () => { this.join().catch(() => {}); }));
      }
    }
    if (state !== 'in') return;
    sources.forEach((source, index) => this.#bar.children[index]?.setAttribute('aria-pressed', String(this.#own[source]?.muted === false)));
  }

  /** @param {Room} room @param {RemoteTrack} track @returns {string} */
  #listen(room, track) {
    const key = `audio ${track.id}`;
    const player = this.#tiles.querySelector(`#${CSS.escape(key)}`) ?? this.#tiles.appendChild(Object.assign(document.createElement('audio'), {id: key, autoplay: true}));
    if (!this.#detach.has(key)) this.#detach.set(key, room.attach(track, /** @type {HTMLAudioElement} */ (player)));
    return key;
  }

  /** @param {string} id @param {string} name @param {boolean} screen @returns {[HTMLElement, HTMLVideoElement]} */
  #tile(id, name, screen) {
    let tile = /** @type {HTMLElement | null} */ (this.#tiles.querySelector(`#${CSS.escape(id)}`));
    if (!tile) {
      tile = document.createElement('figure');
      tile.id = id;
      tile.part.add('tile');
      tile.classList.toggle('screen', screen);
      const video = Object.assign(document.createElement('video'), {autoplay: true, playsInline: true, muted: true});
      tile.append(video, document.createElement('figcaption'));
      this.#tiles.append(tile);
    }
    const [video, caption] = tile.children;
    if (caption) caption.textContent = name;
    video?.setAttribute('aria-label', name);
    return [tile, /** @type {HTMLVideoElement} */ (video)];
  }

  /** @param {string} name @param {() => void} action */
  #button(name, action) {
    const button = Object.assign(document.createElement('button'), {type: 'button', textContent: name, onclick: action});
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

customElements.define('plenum-call', PlenumCall);

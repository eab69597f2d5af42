import {t} from '../state/text.js';
import {icon, label, make, say} from './dom.js';

/**
 * @typedef {object} TileModel  what one tile shows
 * @property {string} key  source and person
 * @property {string} participant  the id on the wire
 * @property {'camera' | 'screen'} source
 * @property {string} name
 * @property {MediaStreamTrack | null} track  the picture
 * @property {string} trackId  the remote track's, or ''
 * @property {boolean} muted  whether its microphone is missing or muted
 * @property {boolean} local
 * @property {boolean} mirrored
 * @property {boolean} speaking
 * @property {boolean} hand
 * @property {boolean} pinned
 * @property {string} trouble  why there is no picture, or ''
 * @property {boolean} weak  whether it is worse than it could be, for want of bandwidth
 */

/** One picture with its name and state. */
export class Tile {
  root;
  video;
  #name = make('span', {className: 'name'});
  #blocked;
  #initial = make('span');
  #state = make('p', {className: 'tile-state'});
  #numbers = make('div', {className: 'tile-numbers', ariaHidden: 'true', hidden: true});
  /** @type {{track: import('../../plenum.js').RemoteTrack, priority: number, end: () => void} | null} */
  #followed = null;
  #pin = make('button', {type: 'button', className: 'tile-pin'}, icon('pin'));

  /**
   * @param {TileModel} model
   * @param {{pin: (key: string) => void, blocked: () => void}} actions  blocked: the browser refuses to play before a click
   */
  constructor({key, source, local, name}, {pin, blocked}) {
    this.#blocked = blocked;
    this.video = make('video', {autoplay: true, playsInline: true, muted: true, disablePictureInPicture: false});
    this.video.setAttribute('aria-hidden', 'true'); // the tile itself says what it is
    this.root = make('article', {className: 'tile'}, this.video,
      make('div', {className: 'avatar'}, this.#initial), this.#state, this.#numbers,
      make('div', {className: 'label'}, icon('hand'), icon('mic-off'), icon('weak'), this.#name), this.#pin);
    this.root.querySelectorAll('.label svg').forEach((svg, index) => svg.classList.add(['is-hand', 'is-muted', 'is-weak'][index] ?? ''));
    this.root.querySelector('.label')?.setAttribute('aria-hidden', 'true');
    Object.assign(this.root.dataset, {testid: 'tile', source, local: String(local)});
    this.root.style.setProperty('--hue', String([...name].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7)));
    this.#pin.onclick = () => pin(key);
    this.video.ondblclick = () => pin(key);
    // Until the first picture has come the tile shows whose it will be.
    for (const event of ['loadeddata', 'emptied']) this.video.addEventListener(event, () => this.#uncover());
  }

  /** @param {TileModel} model */
  update(model) {
    const {root, video} = this;
    const {name, local, source} = model;
    const title = source === 'screen' ? (local ? t('yourScreen') : t('screenOf', {name})) : local ? t('you', {name}) : name;
    root.dataset.participant = model.participant;
    say(this.#name, title);
    say(this.#initial, ([...name.trim()][0] ?? '?').toUpperCase());
    say(this.#state, model.trouble);
    this.#state.hidden = !model.trouble;
    root.dataset.muted = String(model.muted);
    root.classList.toggle('mirrored', model.mirrored);
    root.classList.toggle('speaking', model.speaking);
    root.classList.toggle('hand', model.hand);
    root.classList.toggle('weak', model.weak);
    label(root, [
      title, model.muted && source === 'camera' && t('muted'), model.speaking && t('speaking'), model.hand && t('handUp'),
      model.pinned && t('pinned'), model.trouble || (model.weak && t('reducedWeak')),
    ].filter(Boolean).join(', '));
    label(this.#pin, t(model.pinned ? 'unpin' : 'pin', {name: title}));
    this.#pin.setAttribute('aria-pressed', String(model.pinned));
    const shown = video.srcObject instanceof MediaStream ? video.srcObject.getTracks()[0] ?? null : null;
    if (shown === model.track) return;
    video.srcObject = model.track ? new MediaStream([model.track]) : null;
    this.#uncover();
    if (model.track) this.play();
  }

  #uncover() {
    const {srcObject, readyState} = this.video;
    this.root.classList.toggle('video', srcObject !== null && readyState >= HTMLMediaElement.HAVE_CURRENT_DATA);
  }

  play() {
    this.video.play().catch((error) => {
      if (error.name === 'NotAllowedError') this.#blocked(); // else it was replaced before it began
    });
  }

  /** Shows the numbers of the picture, or none. @param {{lines: string[], plot: SVGSVGElement} | null} numbers */
  measure(numbers) {
    this.#numbers.hidden = !numbers;
    this.#numbers.replaceChildren(...(numbers ? [...numbers.lines.map((text) => make('span', {textContent: text})), numbers.plot] : []));
  }

  /** @param {import('../state/layout.js').Rectangle} place */
  move({start, top, width, height, large}) {
    const {style} = this.root;
    style.insetInlineStart = `${start}px`;
    style.top = `${top}px`;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.setProperty('--initial', `${Math.round(Math.min(width, height) * 0.4)}px`);
    this.root.classList.toggle('large', large);
    this.root.classList.toggle('tiny', width < 150);
  }

  /**
   * Asks for the track in the size of this tile.
   *
   * @param {import('../../plenum.js').Room} room
   * @param {import('../../plenum.js').RemoteTrack} track
   * @param {number} priority
   */
  follow(room, track, priority) {
    if (this.#followed?.track === track && this.#followed.priority === priority) return;
    const before = this.#followed;
    this.#followed = {track, priority, end: room.follow(track, this.video, {priority})};
    before?.end();
  }

  remove() {
    this.#followed?.end();
    this.video.srcObject = null;
    this.root.remove();
  }
}

import {DeviceError} from '../plenum.js';
import {Chat} from './chat.js';
import {openDevice} from './devices.js';
import {Grid, remoteTiles} from './grid.js';
import {byId, make, press} from './page.js';
import {roomLink} from './settings.js';

/**
 * @typedef {import('../sdk/room.js').Room} Room
 * @typedef {import('../plenum.js').PublishOptions} PublishOptions
 * @typedef {import('../sdk/publication.js').Publication} Publication
 * @typedef {import('./devices.js').DeviceKind} DeviceKind
 * @typedef {import('./grid.js').TileModel} TileModel
 * @typedef {import('./lobby.js').Devices} Devices
 * @typedef {import('./settings.js').Settings} Settings
 */

const call = byId('call', HTMLElement);
const banners = byId('banners', HTMLElement);
const buttons = {
  microphone: byId('toggle-mic', HTMLButtonElement),
  camera: byId('toggle-camera', HTMLButtonElement),
  screen: byId('toggle-screen', HTMLButtonElement),
};

/** The room's events after which the screen may look different. */
const changes = /** @type {const} */ ([
  'joined', 'participant-joined', 'participant-left', 'participant-updated',
  'track', 'track-ended', 'track-unsupported', 'unpublished', 'state',
]);

const sources = /** @type {const} */ (['camera', 'microphone', 'screen']);

/** The screen of the call. It is drawn from the room's state after every change. */
export class Call {
  #room;
  #name;
  #settings;
  #grid;
  #drawing = false;
  /** @type {{camera: Publication | null, microphone: Publication | null, screen: Publication | null}} */
  #own = {camera: null, microphone: null, screen: null};

  /**
   * @param {Room} room
   * @param {string} name
   * @param {Settings} settings
   */
  constructor(room, name, settings) {
    this.#room = room;
    this.#name = name;
    this.#settings = settings;
    this.#grid = new Grid(() => this.#banner('sound', 'The browser blocks sound until you click.', 'Play', () => {
      this.#banner('sound', '');
      this.#grid.play();
    }));
    new Chat(room, (text) => this.#notice(text));
    for (const event of changes) room.on(event, () => this.#draw());
    room.on('unpublished', ({publication}) => this.#forget(publication));
    room.on('speakers', ({speakers}) => this.#grid.speaking(speakers.map(({id}) => id)));
    room.on('error', ({error}) => this.#notice(error.message));
    room.on('drain', () => this.#notice('The server is being restarted. The call moves in a moment.'));
    buttons.microphone.onclick = () => this.#run('microphone', () => this.#toggleMicrophone());
    buttons.camera.onclick = () => this.#run('camera', () => this.#toggleCamera());
    buttons.screen.onclick = () => this.#run('screen', () => this.#toggleScreen());
    byId('leave', HTMLButtonElement).onclick = () => room.leave();
    byId('copy-link', HTMLButtonElement).onclick = () => this.#copyLink();
    byId('room-name', HTMLElement).textContent = room.name;
    document.title = `${room.name} · Plenum`;
    call.hidden = false;
    buttons.microphone.focus();
    this.#draw();
  }

  /** Publishes what the lobby had opened. @param {Devices} devices */
  publish({camera, microphone}) {
    if (this.#room.state === 'closed') {
      camera?.stop();
      microphone?.stop();
      return;
    }
    if (microphone) this.#own.microphone ??= this.#room.publish(microphone, {source: 'microphone'});
    if (camera) this.#own.camera ??= this.#room.publish(camera, this.#cameraOptions());
    this.#draw();
  }

  /** Gives the devices and the screen back. */
  close() {
    for (const publication of Object.values(this.#own)) stop(publication);
    this.#own = {camera: null, microphone: null, screen: null};
    this.#grid.close();
    banners.replaceChildren();
    call.hidden = true;
  }

  /** @returns {PublishOptions} */
  #cameraOptions() {
    return {source: 'camera', codec: this.#settings.codec, simulcast: this.#settings.simulcast};
  }

  async #toggleMicrophone() {
    const own = this.#own.microphone;
    if (own) await (own.muted ? own.unmute() : own.mute());
    else this.publish({microphone: await this.#open('microphone'), camera: null});
  }

  /** Off means that the camera's light goes out, so the track is stopped and opened again. */
  async #toggleCamera() {
    const own = this.#own.camera;
    if (!own) {
      this.publish({camera: await this.#open('camera'), microphone: null});
    } else if (own.muted) {
      await own.replaceTrack(await this.#open('camera'));
      await own.unmute();
    } else {
      await own.mute();
      stop(own);
    }
  }

  async #toggleScreen() {
    const own = this.#own.screen;
    if (own) {
      stop(own);
      own.unpublish();
      return;
    }
    try {
      this.#own.screen = await this.#room.publishScreen({send: {codec: this.#settings.codec}});
    } catch (error) {
      if (error instanceof DeviceError && error.reason === 'denied') return; // the person thought better of it
      throw new Error('The screen could not be shared.', {cause: error});
    }
  }

  /** @param {DeviceKind} kind */
  #open(kind) {
    return openDevice(kind, this.#settings.video);
  }

  /** Runs a button's action, one at a time. @param {keyof typeof buttons} kind @param {() => Promise<void>} action */
  async #run(kind, action) {
    const button = buttons[kind];
    if (button.getAttribute('aria-disabled')) return;
    button.setAttribute('aria-disabled', 'true'); // not `disabled`, which would lose the focus
    try {
      await action();
    } catch (error) {
      this.#notice(error instanceof Error ? error.message : String(error));
    } finally {
      button.removeAttribute('aria-disabled');
      this.#draw();
    }
  }

  /** @param {Publication} publication */
  #forget(publication) {
    for (const kind of sources) if (this.#own[kind] === publication) this.#own[kind] = null;
    stop(publication);
  }

  /** Draws once for all the changes of a moment. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    queueMicrotask(() => {
      this.#drawing = false;
      if (this.#room.state !== 'closed') this.#render();
    });
  }

  #render() {
    const others = [...this.#room.participants.values()];
    const {microphone, camera, screen} = this.#own;
    this.#grid.render([...this.#ownTiles(), ...others.flatMap(remoteTiles)]);
    byId('head-count', HTMLElement).textContent = others.length === 0 ? 'only you' : `${others.length + 1} people`;
    press(buttons.microphone, microphone?.muted === false, 'mic');
    press(buttons.camera, camera?.muted === false, 'camera');
    press(buttons.screen, screen !== null);
    call.dataset.state = this.#room.state;
    this.#banner('state', this.#room.state === 'reconnecting' ? 'Connection lost. Reconnecting…' : '');
    const unsupported = others.flatMap((one) => [...one.tracks.values()]).filter((track) => track.unsupported);
    this.#banner('unsupported', unsupported.map((track) => (
      `${track.participant.name || 'Guest'}’s ${nouns[track.source]} is ${track.unsupported}, which this browser can’t play.`
    )).join(' '));
  }

  /** @returns {TileModel[]} */
  #ownTiles() {
    const {microphone, camera, screen} = this.#own;
    const base = {participant: this.#room.localId, name: this.#name || 'Guest', stream: null, local: true};
    const picture = camera && !camera.muted ? camera.tracks : [];
    /** @type {TileModel[]} */
    const models = [{...base, source: 'camera', tracks: picture, video: picture.length > 0, muted: microphone?.muted !== false}];
    if (screen) {
      const tracks = screen.tracks.filter((track) => track.kind === 'video');
      models.push({...base, source: 'screen', tracks, video: true, muted: false});
    }
    return models;
  }

  async #copyLink() {
    const link = roomLink(this.#room.name);
    try {
      await navigator.clipboard.writeText(link);
      this.#notice('The link is copied.');
    } catch {
      this.#notice(`The link is ${link}`);
    }
  }

  /** A banner that goes by itself. @param {string} text */
  #notice(text) {
    const banner = make('div', {className: 'banner', textContent: text});
    banners.append(banner);
    setTimeout(() => banner.remove(), 6000);
  }

  /**
   * Shows a lasting banner, or takes it away where the text is empty.
   *
   * @param {string} key
   * @param {string} text
   * @param {string} [action]  a button's label
   * @param {() => void} [run]
   */
  #banner(key, text, action, run) {
    const old = banners.querySelector(`[data-banner="${key}"]`);
    if (!text) {
      old?.remove();
      return;
    }
    if (old?.firstChild?.textContent === text) return;
    const banner = make('div', {className: 'banner'}, make('span', {textContent: text}));
    banner.dataset.banner = key;
    if (action && run) banner.append(make('button', {type: 'button', textContent: action, onclick: run}));
    if (old) old.replaceWith(banner);
    else banners.append(banner);
  }
}

/** What people call a source. */
const nouns = {camera: 'video', microphone: 'sound', screen: 'screen', 'screen-audio': 'screen’s sound'};

/** @param {Publication | null} publication */
function stop(publication) {
  for (const track of publication?.tracks ?? []) track.stop();
}

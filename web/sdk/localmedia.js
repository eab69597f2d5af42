import {openDevice, openDevices} from './media.js';

/**
 * @typedef {import('./media.js').DeviceKind} DeviceKind
 * @typedef {import('./publication.js').Publication} Publication
 * @typedef {import('./room.js').Room} Room
 *
 * @typedef {object} LocalMediaOptions
 * @property {(kind: DeviceKind) => Promise<MediaStreamTrack>} [open]  instead of the browser's default device; it may reject with DeviceError
 * @property {import('./events.js').PublishOptions} [camera]  how the camera is published
 * @property {Parameters<Room['publishScreen']>[0]} [screen]  how the screen is opened and published
 * @property {() => void} [changed]  called whenever something was turned on or off, begins to be, or could not be; it must not throw
 */

/**
 * One's own camera, microphone and screen in a room, each on or off: what the buttons
 * of a call do. A microphone that is off is muted; a camera that is off is closed, so
 * that its light goes out. Of a device, wishes are carried out one after another, and
 * the last one counts. All are given back when the room is left.
 */
export class LocalMedia {
  /** @type {Publication | null} */
  camera = null;
  /** @type {Publication | null} */
  microphone = null;
  /** @type {Publication | null} */
  screen = null;
  #room;
  #options;
  #changed;
  /** What is under way. @type {Map<DeviceKind | 'screen', Promise<void>>} */
  #busy = new Map();
  /** The last word on whether a device shall be on. @type {Map<DeviceKind, boolean>} */
  #wanted = new Map();

  /** @param {Room} room @param {LocalMediaOptions} [options] */
  constructor(room, options = {}) {
    this.#room = room;
    this.#options = options;
    this.#changed = options.changed ?? (() => {});
    room.on('unpublished', ({publication}) => this.#forget(publication));
    room.closed.addEventListener('abort', () => this.close(), {once: true});
  }

  /** Whether the others have it: what a button shows. @param {DeviceKind | 'screen'} kind */
  isOn(kind) {
    return this[kind]?.muted === false;
  }

  /** Whether it is being turned on or off, or changed. @param {DeviceKind | 'screen'} kind */
  isChanging(kind) {
    return this.#busy.has(kind);
  }

  /**
   * What a press of its button means: the opposite of what `isOn` says, also while a
   * change is under way. Pressing again while a device still opens asks for nothing new.
   *
   * @param {DeviceKind | 'screen'} kind
   */
  toggle(kind) {
    return kind === 'screen' ? this.#toggleScreen() : this.turn(kind, !this.isOn(kind));
  }

  /**
   * Turns a device on or off. It resolves when that is done, or when a later wish has
   * taken its place.
   *
   * @param {DeviceKind} kind
   * @param {boolean} on
   * @returns {Promise<void>}  DeviceError where it can't be opened
   */
  turn(kind, on) {
    this.#wanted.set(kind, on);
    // Who wants not to be heard doesn't wait for a new device to open.
    if (kind === 'microphone' && !on && this.microphone && this.#busy.has(kind)) return this.#mute(this.microphone);
    return this.#after(kind, async () => {
      const wanted = this.#wanted.get(kind) ?? this.isOn(kind);
      if (wanted === this.isOn(kind)) return;
      try {
        await (kind === 'microphone' ? this.#turnMicrophone(wanted) : this.#turnCamera(wanted));
      } catch (error) {
        this.#wanted.delete(kind); // whoever pressed meanwhile is not asked once more
        throw error;
      }
    });
  }

  /**
   * Turns several on with one question to the person, those that the browser takes by
   * default.
   *
   * @param {DeviceKind[]} wanted
   * @returns {Promise<import('./errors.js').DeviceError[]>}  why some are not on; it never fails
   */
  async start(wanted) {
    const closed = wanted.filter((kind) => !this[kind] && !this.isChanging(kind));
    for (const kind of wanted) this.#wanted.set(kind, true);
    const opening = openDevices({camera: closed.includes('camera') && {}, microphone: closed.includes('microphone') && {}});
    const running = opening.then((open) => {
      for (const {kind} of open.errors) if (kind !== 'screen') this.#wanted.delete(kind); // a press meanwhile doesn't ask once more
      this.publish(open);
    });
    const others = wanted.filter((kind) => !closed.includes(kind)).map((kind) => this.turn(kind, true).then(() => [], (error) => [error]));
    await Promise.all(closed.map((kind) => this.#once(kind, () => running)));
    const errors = [...(await opening).errors, ...(await Promise.all(others)).flat()];
    return this.#room.state === 'closed' ? [] : errors;
  }

  /** Publishes what is open already. @param {{camera?: MediaStreamTrack | null, microphone?: MediaStreamTrack | null}} tracks */
  publish({camera, microphone}) {
    if (this.#room.state === 'closed') {
      camera?.stop();
      microphone?.stop();
      return;
    }
    // What is on already, by a press in the meantime, stays; the second track is given back.
    if (this.microphone) microphone?.stop();
    else if (microphone) this.microphone = this.#room.publish(microphone, {source: 'microphone'});
    if (this.camera) camera?.stop();
    else if (camera) this.camera = this.#room.publish(camera, {source: 'camera', ...this.#options.camera});
    this.#changed();
  }

  /**
   * Opens a device anew, after another one was chosen. One that is off stays off.
   *
   * @param {DeviceKind} kind
   * @returns {Promise<void>}  DeviceError where it can't be opened; a camera is off then, and a microphone as it was
   */
  reopen(kind) {
    return this.#after(kind, async () => {
      const own = this[kind];
      if (!own || (kind === 'camera' && own.muted)) return; // it is opened with the new choice when it is wanted
      const old = own.tracks;
      // Phones refuse a second camera while the first is open.
      if (kind === 'camera') for (const track of old) track.stop();
      try {
        await this.#replace(kind, own);
      } catch (error) {
        if (kind === 'camera') await own.mute(); // its picture would stand still
        throw error;
      }
      for (const track of old) track.stop();
    });
  }

  /** Ends all of it and gives devices and screen back, as leaving the room does. */
  close() {
    for (const publication of [this.camera, this.microphone, this.screen]) {
      if (!publication) continue;
      if (this.#room.state !== 'closed') publication.unpublish();
      stop(publication);
    }
    this.camera = this.microphone = this.screen = null;
  }

  #toggleScreen() {
    return this.#once('screen', async () => {
      if (this.screen) this.screen.unpublish();
      else this.screen = await this.#room.publishScreen(this.#options.screen);
    });
  }

  /** @param {boolean} on */
  async #turnMicrophone(on) {
    if (this.microphone) await (on ? this.microphone.unmute() : this.microphone.mute());
    else this.publish({microphone: await this.#open('microphone')});
  }

  /** @param {Publication} own */
  async #mute(own) {
    const muted = own.mute();
    this.#changed();
    await muted;
  }

  /** @param {boolean} on */
  async #turnCamera(on) {
    const own = this.camera;
    if (!own) {
      this.publish({camera: await this.#open('camera')});
    } else if (on) {
      await this.#replace('camera', own);
      if (this.camera === own) await own.unmute();
    } else {
      await own.mute();
      stop(own);
    }
  }

  /** Opens a device for what is sent already, if it still is by then. @param {DeviceKind} kind @param {Publication} own */
  async #replace(kind, own) {
    const track = await this.#open(kind);
    if (this[kind] === own) await own.replaceTrack(track);
    else track.stop();
  }

  /** @param {DeviceKind} kind @returns {Promise<MediaStreamTrack>} */
  #open(kind) {
    return this.#options.open?.(kind) ?? openDevice(kind, {signal: this.#room.closed});
  }

  /** The browser's own bar, or `unpublish`, ended it. @param {Publication} publication */
  #forget(publication) {
    for (const kind of /** @type {const} */ (['camera', 'microphone', 'screen'])) {
      if (this[kind] !== publication) continue;
      stop(publication);
      this[kind] = null;
      this.#changed();
    }
  }

  /** Waits for what is under way, then changes. @param {DeviceKind} kind @param {() => Promise<void>} change */
  async #after(kind, change) {
    while (this.#busy.has(kind)) await this.#busy.get(kind)?.catch(() => {}); // whoever began it hears of it
    await this.#once(kind, change);
  }

  /** One change of a kind at a time; a second one meanwhile is none. @param {DeviceKind | 'screen'} kind @param {() => Promise<void>} change */
  async #once(kind, change) {
    if (this.#busy.has(kind)) return;
    const running = change();
    this.#busy.set(kind, running);
    try {
      this.#changed();
      await running;
    } finally {
      this.#busy.delete(kind);
      this.#changed();
    }
  }
}

/** @param {Publication} publication */
function stop(publication) {
  for (const track of publication.tracks) track.stop();
}

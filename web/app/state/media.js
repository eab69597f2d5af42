import {openChosen} from './devices.js';
import {preferences, remember} from './settings.js';

/**
 * What this page sends: camera, microphone and screen, each a publication or null.
 *
 * @typedef {import('../../plenum.js').Room} Room
 * @typedef {import('../../plenum.js').Publication} Publication
 * @typedef {import('./settings.js').Settings} Settings
 *
 * @typedef {{camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null}} OpenTracks
 */
export class OwnMedia {
  /** @type {Publication | null} */
  camera = null;
  /** @type {Publication | null} */
  microphone = null;
  /** @type {Publication | null} */
  screen = null;
  /** Which way a phone's camera looks. @type {'user' | 'environment'} */
  facing = 'user';
  #room;
  #settings;
  #changed;
  /** @type {Map<string, Promise<void>>} what is under way, by kind */
  #busy = new Map();
  /** The last word on whether a device shall be on. @type {Map<'camera' | 'microphone', boolean>} */
  #wanted = new Map();

  /** @param {Room} room @param {Settings} settings @param {() => void} changed */
  constructor(room, settings, changed) {
    this.#room = room;
    this.#settings = settings;
    this.#changed = changed;
  }

  /** Publishes what the lobby had opened. @param {OpenTracks} tracks */
  publish({camera, microphone}) {
    if (this.#room.state === 'closed') {
      camera?.stop();
      microphone?.stop();
      return;
    }
    if (microphone && !this.microphone) this.microphone = this.#room.publish(microphone, {source: 'microphone'});
    if (camera && !this.camera) {
      this.camera = this.#room.publish(camera, {source: 'camera', ...this.#settings.send});
    }
    this.#changed();
  }

  /** A press means the opposite of what the button shows, also while a change is under way. */
  toggleMicrophone() {
    return this.#turn('microphone', !this.#isOn('microphone'));
  }

  toggleCamera() {
    return this.#turn('camera', !this.#isOn('camera'));
  }

  /** Push-to-talk says what it wants rather than toggling. @param {boolean} on */
  hear(on) {
    return this.#turn('microphone', on);
  }

  toggleScreen() {
    return this.#once('screen', async () => {
      const own = this.screen;
      if (own) {
        own.unpublish();
        return;
      }
      const {codec, simulcast} = this.#settings.send;
      this.screen = await this.#room.publishScreen({send: {codec, simulcast}});
    });
  }

  /** Uses another device from now on. @param {'camera' | 'microphone'} kind @param {string} id  '' for the default */
  switchTo(kind, id) {
    remember({[kind]: id});
    return this.#after(kind, () => this.#reopen(kind));
  }

  /** The other side of a phone. */
  flip() {
    return this.#once('camera', () => {
      this.facing = this.facing === 'user' ? 'environment' : 'user';
      remember({camera: ''});
      return this.#reopen('camera');
    });
  }

  /** The browser's own bar, or `unpublish`, ended it. @param {Publication} publication @returns {'camera' | 'microphone' | 'screen' | null} */
  forget(publication) {
    stop(publication);
    for (const kind of /** @type {const} */ (['camera', 'microphone', 'screen'])) {
      if (this[kind] !== publication) continue;
      this[kind] = null;
      return kind;
    }
    return null;
  }

  /** Gives devices and screen back. */
  close() {
    for (const publication of [this.camera, this.microphone, this.screen]) if (publication) stop(publication);
    this.camera = this.microphone = this.screen = null;
  }

  /** @param {'camera' | 'microphone'} kind */
  #isOn(kind) {
    return this[kind]?.muted === false;
  }

  /**
   * Turns a device on or off when what is under way with it is done; of several
   * wishes the last counts.
   *
   * @param {'camera' | 'microphone'} kind
   * @param {boolean} on
   */
  #turn(kind, on) {
    this.#wanted.set(kind, on);
    return this.#after(kind, async () => {
      const wanted = this.#wanted.get(kind) ?? this.#isOn(kind);
      if (wanted === this.#isOn(kind)) return;
      try {
        await (kind === 'microphone' ? this.#turnMicrophone(wanted) : this.#turnCamera(wanted));
      } catch (error) {
        this.#wanted.delete(kind); // who pressed meanwhile is not asked once more
        throw error;
      }
    });
  }

  /** @param {boolean} on */
  async #turnMicrophone(on) {
    if (this.microphone) await (on ? this.microphone.unmute() : this.microphone.mute());
    else this.publish({microphone: await this.#open('microphone'), camera: null});
  }

  /** Off means that the camera's light goes out, so the track is stopped and opened again. @param {boolean} on */
  async #turnCamera(on) {
    const own = this.camera;
    if (!own) {
      this.publish({camera: await this.#open('camera'), microphone: null});
    } else if (on) {
      await own.replaceTrack(await this.#open('camera'));
      await own.unmute();
    } else {
      await own.mute();
      stop(own);
    }
  }

  /** @param {'camera' | 'microphone'} kind */
  async #reopen(kind) {
    const own = this[kind];
    if (!own || (kind === 'camera' && own.muted)) return; // it is opened with the new choice when it is wanted
    const old = own.tracks;
    // Phones refuse a second camera while the first is open.
    if (kind === 'camera') for (const track of old) track.stop();
    try {
      await own.replaceTrack(await this.#open(kind));
    } catch (error) {
      if (kind === 'camera') await own.mute(); // its picture would stand still
      throw error;
    }
    for (const track of old) track.stop();
  }

  /** @param {'camera' | 'microphone'} kind */
  #open(kind) {
    const facing = kind === 'camera' && !preferences.camera && this.facing === 'environment' ? {facingMode: this.facing} : {};
    return openChosen(kind, this.#settings, {...facing, signal: this.#room.closed});
  }

  /** Waits for what is under way, then changes. @param {string} kind @param {() => Promise<void>} change */
  async #after(kind, change) {
    while (this.#busy.has(kind)) await this.#busy.get(kind)?.catch(() => {}); // whoever began it hears of it
    await this.#once(kind, change);
  }

  /** One change of a kind at a time; a second press meanwhile does nothing. @param {string} kind @param {() => Promise<void>} change */
  async #once(kind, change) {
    if (this.#busy.has(kind)) return;
    const running = change();
    this.#busy.set(kind, running);
    this.#changed();
    try {
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

import {LocalMedia} from '../../sdk/localmedia.js';
import {openChosen} from './devices.js';
import {preferences, remember} from './settings.js';

/**
 * @typedef {import('../../plenum.js').Room} Room
 * @typedef {import('./settings.js').Settings} Settings
 *
 * @typedef {{camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null}} OpenTracks
 */

/** What this page sends, from the devices that the person has chosen. */
export class OwnMedia extends LocalMedia {
  /** Which way a phone's camera looks. @type {'user' | 'environment'} */
  facing = 'user';

  /** @param {Room} room @param {Settings} settings @param {() => void} changed */
  constructor(room, settings, changed) {
    const {codec, simulcast} = settings.send;
    super(room, {
      changed, camera: settings.send, screen: {send: {codec, simulcast}},
      open: (kind) => openChosen(kind, settings, {
        ...(kind === 'camera' && !preferences.camera && this.facing === 'environment' ? {facingMode: this.facing} : {}),
        signal: room.closed,
      }),
    });
  }

  /** Uses another device from now on. @param {'camera' | 'microphone'} kind @param {string} id  '' for the default */
  switchTo(kind, id) {
    remember({[kind]: id});
    return this.reopen(kind);
  }

  /** The other side of a phone; a second press while the camera changes is none. */
  async flip() {
    if (this.isChanging('camera')) return;
    this.facing = this.facing === 'user' ? 'environment' : 'user';
    remember({camera: ''});
    await this.reopen('camera');
  }
}

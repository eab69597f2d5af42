import {openDevice, openDevices} from './devices.js';
import {byId, press} from './page.js';
import {recallName, rememberName} from './settings.js';

/**
 * @typedef {import('./devices.js').DeviceKind} DeviceKind
 * @typedef {import('./settings.js').Settings} Settings
 *
 * @typedef {{camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null}} Devices
 */

const lobby = byId('lobby', HTMLElement);
const form = byId('join-form', HTMLFormElement);
const nameInput = byId('name', HTMLInputElement);
const roomInput = byId('room', HTMLInputElement);
const joinButton = byId('join', HTMLButtonElement);
const note = byId('lobby-note', HTMLElement);
const preview = byId('preview', HTMLVideoElement);
const previewNote = byId('preview-note', HTMLElement);
const buttons = {
  camera: byId('preview-camera', HTMLButtonElement),
  microphone: byId('preview-mic', HTMLButtonElement),
};

/** The screen before the call: who, where, and with what. */
export class Lobby {
  #settings;
  #enter;
  /** @type {Devices} */
  #devices = {camera: null, microphone: null};
  /** @type {Promise<unknown>} what is being opened at the moment */
  #opening = Promise.resolve();

  /**
   * @param {Settings} settings
   * @param {(name: string, room: string, takeDevices: () => Promise<Devices>) => Promise<void>} enter
   *   takes the devices over once it is in; fails with a sentence for a person
   */
  constructor(settings, enter) {
    this.#settings = settings;
    this.#enter = enter;
    nameInput.value = recallName();
    roomInput.value = settings.room;
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    buttons.camera.onclick = () => this.#toggle('camera');
    buttons.microphone.onclick = () => this.#toggle('microphone');
  }

  /**
   * @param {string} text  why we are here again, or ''
   * @param {boolean} withDevices  whether to open camera and microphone at once
   */
  show(text, withDevices) {
    lobby.hidden = false;
    note.textContent = text;
    document.title = 'Plenum';
    this.#render();
    (nameInput.value ? (roomInput.value ? joinButton : roomInput) : nameInput).focus();
    if (withDevices) this.#opening = this.#openAll();
  }

  async #openAll() {
    previewNote.textContent = 'Waiting for camera and microphone…';
    const {camera, microphone, problem} = await openDevices(this.#settings.video);
    this.#devices = {camera, microphone};
    this.#render();
    if (problem) previewNote.textContent = `${problem} You can still join.`;
  }

  /** @param {DeviceKind} kind */
  async #toggle(kind) {
    await this.#opening;
    const open = this.#devices[kind];
    if (open) {
      open.stop();
      this.#devices[kind] = null;
      this.#render();
      return;
    }
    buttons[kind].disabled = true;
    const opened = openDevice(kind, this.#settings.video);
    this.#opening = opened.catch(() => {});
    try {
      this.#devices[kind] = await opened;
      this.#render();
    } catch (error) {
      previewNote.textContent = error instanceof Error ? error.message : '';
    } finally {
      buttons[kind].disabled = false;
    }
  }

  #render() {
    const {camera, microphone} = this.#devices;
    const shown = /** @type {MediaStream | null} */ (preview.srcObject)?.getTracks()[0] ?? null;
    if (shown !== camera) preview.srcObject = camera ? new MediaStream([camera]) : null;
    preview.hidden = camera === null;
    previewNote.textContent = 'Camera is off';
    press(buttons.camera, camera !== null, 'camera');
    press(buttons.microphone, microphone !== null, 'mic');
  }

  async #submit() {
    const name = nameInput.value.trim();
    rememberName(name);
    note.textContent = '';
    joinButton.disabled = true;
    try {
      await this.#enter(name, roomInput.value.trim(), () => this.#handOver());
      lobby.hidden = true;
    } catch (error) {
      note.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      joinButton.disabled = false;
    }
  }

  /** The call owns the tracks from here on. */
  async #handOver() {
    await this.#opening;
    const devices = this.#devices;
    this.#devices = {camera: null, microphone: null};
    preview.srcObject = null;
    return devices;
  }
}

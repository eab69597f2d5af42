import {DeviceError} from '../../sdk/errors.js';
import {listDevices, watchDevices} from '../../sdk/media.js';
import {openChosen, openWanted} from '../state/devices.js';
import {explain} from '../state/explain.js';
import {Presence} from '../state/presence.js';
import {newRoomName, preferences, remember} from '../state/settings.js';
import {isText, listed, t} from '../state/text.js';
import {button, byId, make, press, say} from './dom.js';
import {Meter} from './meter.js';
import {Pickers, blurBackground} from './pickers.js';

/**
 * @typedef {import('../state/settings.js').Settings} Settings
 * @typedef {import('../state/media.js').OpenTracks} OpenTracks
 * @typedef {import('../../plenum.js').RoomInfo} RoomInfo
 * @typedef {'camera' | 'microphone'} Kind
 *
 * @typedef {object} Entry  what the person asks for
 * @property {string} name
 * @property {string} room
 * @property {AbortSignal} signal
 * @property {() => Promise<OpenTracks>} takeTracks  hands the open devices over
 */

const lobby = byId('lobby', HTMLElement);
const form = byId('join-form', HTMLFormElement);
const nameInput = byId('name', HTMLInputElement);
const roomInput = byId('room', HTMLInputElement);
const joinButton = button('join');
const cancelButton = button('cancel-join');
const note = byId('lobby-note', HTMLElement);
const present = byId('present', HTMLElement);
const preview = byId('preview', HTMLVideoElement);
const previewNote = byId('preview-note', HTMLElement);
const buttons = {camera: button('preview-camera'), microphone: button('preview-mic')};

/** The screen before the call: who, where, and with what. */
export class Lobby {
  #settings;
  #enter;
  #meter = new Meter(byId('level', HTMLElement));
  #pickers;
  #presence;
  /** @type {OpenTracks} */
  #open = {camera: null, microphone: null};
  /** Why a device is missing. @type {Record<Kind, unknown>} */
  #problems = {camera: null, microphone: null};
  /** @type {Promise<unknown>} what is being opened at the moment */
  #opening = Promise.resolve();
  #waiting = false;
  #again = false;
  /** @type {AbortController | null} */
  #joining = null;

  /**
   * @param {Settings} settings
   * @param {(entry: Entry) => Promise<void>} enter  fails where the server does not let us in
   */
  constructor(settings, enter) {
    this.#settings = settings;
    this.#enter = enter;
    nameInput.value = preferences.name;
    roomInput.value = settings.room;
    this.#pickers = new Pickers(/** @type {HTMLElement} */ (lobby.querySelector('.pickers')), {
      choose: (kind, id) => { if (kind !== 'speaker') this.#choose(kind, id); },
      mirrored: () => this.#render(),
      blur: (on) => blurBackground(this.#open.camera, on),
    });
    this.#presence = new Presence(settings.token, showPresent);
    roomInput.oninput = () => this.#watch();
    document.addEventListener('visibilitychange', () => this.#watch());
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    cancelButton.onclick = () => this.#joining?.abort();
    button('new-room').onclick = () => {
      roomInput.value = newRoomName();
      this.#watch();
      joinButton.focus();
    };
    for (const kind of /** @type {const} */ (['camera', 'microphone'])) buttons[kind].onclick = () => this.#toggle(kind);
    watchDevices(() => this.#list());
  }

  /**
   * @param {string} text  why we are here again, or ''
   * @param {{camera: boolean, microphone: boolean}} wanted  what to open at once
   */
  show(text, wanted) {
    lobby.hidden = false;
    note.textContent = text || (roomInput.validity.patternMismatch ? t('error.bad-room') : '');
    document.title = t('appName');
    this.#again = text !== '';
    this.#openAll(wanted);
    this.#watch();
    (nameInput.value ? (roomInput.value ? joinButton : roomInput) : nameInput).focus();
  }

  /** @param {{camera: boolean, microphone: boolean}} wanted */
  #openAll(wanted) {
    this.#waiting = wanted.camera || wanted.microphone;
    this.#render();
    this.#opening = openWanted(wanted, this.#settings).then(({open, problems}) => {
      this.#waiting = false;
      this.#open = open;
      this.#problems = problems;
      this.#render();
    });
    this.#opening.then(() => this.#list()); // nobody who joins waits for the list
  }

  /** @param {Kind} kind */
  async #toggle(kind) {
    await this.#opening;
    this.#problems[kind] = null;
    const open = this.#open[kind];
    if (open) {
      open.stop();
      this.#open[kind] = null;
      this.#render();
      return;
    }
    await this.#reopen(kind);
  }

  /** @param {Kind} kind @param {string} id */
  async #choose(kind, id) {
    remember({[kind]: id});
    await this.#opening;
    this.#open[kind]?.stop();
    await this.#reopen(kind);
  }

  /** @param {Kind} kind */
  async #reopen(kind) {
    this.#problems[kind] = null;
    buttons[kind].disabled = true;
    const opened = openChosen(kind, this.#settings);
    this.#opening = opened.catch(() => {});
    try {
      this.#open[kind] = await opened;
    } catch (error) {
      this.#open[kind] = null;
      this.#problems[kind] = error;
    } finally {
      buttons[kind].disabled = false;
      this.#render();
      this.#list();
    }
  }

  /** Follows who is in the room, while somebody looks. */
  #watch() {
    const watched = !lobby.hidden && !document.hidden && roomInput.validity.valid;
    this.#presence.watch(watched ? roomInput.value.trim() : '');
  }

  async #list() {
    this.#pickers.show(await listDevices(), this.#open.camera);
  }

  #render() {
    const {camera, microphone} = this.#open;
    const shown = /** @type {MediaStream | null} */ (preview.srcObject)?.getTracks()[0] ?? null;
    if (shown !== camera) preview.srcObject = camera ? new MediaStream([camera]) : null;
    preview.hidden = camera === null;
    preview.classList.toggle('mirrored', preferences.mirror);
    this.#meter.listen(microphone);
    press(buttons.camera, camera !== null, 'camera');
    press(buttons.microphone, microphone !== null, 'mic');
    this.#renderNote();
    joinButton.textContent = this.#joinText();
    joinButton.disabled = this.#joining !== null;
    cancelButton.hidden = this.#joining === null;
  }

  /** What is missing, why, and a way on. */
  #renderNote() {
    const problems = explainBoth(this.#problems.camera, this.#problems.microphone);
    if (problems.length === 0) {
      const text = this.#waiting ? t('previewWaiting') : this.#open.camera ? '' : t('previewOff');
      previewNote.replaceChildren(...(text ? [make('p', {textContent: text})] : []));
      previewNote.classList.toggle('over', false);
      return;
    }
    const retry = make('button', {type: 'button', className: 'secondary', textContent: t('tryAgain'), onclick: async () => {
      for (const kind of /** @type {const} */ (['camera', 'microphone'])) if (this.#problems[kind]) await this.#reopen(kind);
    }});
    retry.dataset.testid = 'retry-devices';
    previewNote.replaceChildren(...problems.map((textContent) => make('p', {textContent})), retry);
    previewNote.classList.toggle('over', this.#open.camera !== null);
  }

  #joinText() {
    if (this.#joining) return t('joining');
    const {camera, microphone} = this.#problems;
    if (camera && microphone) return t('joinWithout');
    if (camera) return t('joinWithoutCamera');
    if (microphone) return t('joinWithoutMicrophone');
    return t(this.#again ? 'joinAgain' : 'join');
  }

  async #submit() {
    if (this.#joining) return;
    const name = nameInput.value.trim();
    remember({name});
    note.textContent = '';
    this.#joining = new AbortController();
    const {signal} = this.#joining;
    this.#render();
    try {
      await this.#enter({name, room: roomInput.value.trim(), signal, takeTracks: () => this.#handOver()});
      lobby.hidden = true;
      this.#watch();
      this.#meter.listen(null);
    } catch (error) {
      if (!signal.aborted) note.textContent = explain(error);
      this.#again = true;
    } finally {
      this.#joining = null;
      if (!lobby.hidden) {
        this.#render();
        joinButton.focus();
      }
    }
  }

  /** The call owns the tracks from here on. */
  async #handOver() {
    await this.#opening;
    const tracks = this.#open;
    this.#open = {camera: null, microphone: null};
    this.#problems = {camera: null, microphone: null};
    preview.srcObject = null;
    this.#meter.listen(null);
    return tracks;
  }
}

/** Names a few of those who are in the room. @param {RoomInfo | null} info */
function showPresent(info) {
  const {participants = [], count = 0, full = false} = info ?? {};
  const names = participants.slice(0, count > 4 ? 3 : 4).map(({name}) => name || t('guest'));
  if (count > names.length) names.push(t('others', {n: count - names.length}));
  const text = !info ? '' : count === 0 ? t('nobodyHere') : t('here', {n: count, names: listed(names)});
  say(present, full ? `${text} ${t('fullNow')}` : text);
}

/** What is wrong with the devices: once, where it is the same with both. @param {unknown} camera @param {unknown} microphone */
function explainBoth(camera, microphone) {
  const reason = camera instanceof DeviceError && microphone instanceof DeviceError && camera.reason === microphone.reason && `both.${camera.reason}`;
  if (reason && isText(reason)) return [t(reason)];
  return [camera, microphone].filter(Boolean).map(explain);
}

import {reactions} from '../state/conversation.js';
import {roomLink} from '../state/settings.js';
import {t} from '../state/text.js';
import {button, byId, make, press} from './dom.js';
import {drawHelp, listenToKeys} from './shortcuts.js';

/**
 * @typedef {import('../state/call.js').CallState} CallState
 * @typedef {import('./panels.js').Panels} Panels
 * @typedef {import('./tiles.js').Tiles} Tiles
 * @typedef {import('./dialogs.js').Settings} Settings
 */

const microphone = button('toggle-mic');
const camera = button('toggle-camera');
const screenButton = button('toggle-screen');
const hand = button('toggle-hand');
const view = button('toggle-view');
const flip = button('flip-camera');
const more = byId('more', HTMLElement);
const reactionMenu = byId('reactions', HTMLElement);
const help = byId('help', HTMLDialogElement);
const callElement = byId('call', HTMLElement);

/** The buttons of the call, and the keys that do the same. */
export class Controls {
  #call;
  #tiles;
  #keys = new AbortController();
  /** Whether push-to-talk has opened the microphone. */
  #talking = false;

  /** @param {CallState} call @param {{tiles: Tiles, panels: Panels, settings: Settings}} views */
  constructor(call, {tiles, panels, settings}) {
    this.#call = call;
    this.#tiles = tiles;
    const {media, conversation} = call;
    const act = {
      microphone: () => call.run(() => media.toggle('microphone')),
      camera: () => call.run(() => media.toggle('camera')),
      screen: () => call.run(() => media.toggle('screen')),
      hand: () => conversation.toggleHand(),
      help: () => {
        drawHelp();
        help.showModal();
      },
    };
    microphone.onclick = act.microphone;
    camera.onclick = act.camera;
    screenButton.onclick = act.screen;
    hand.onclick = act.hand;
    view.onclick = () => call.toggleView();
    button('leave').onclick = () => call.room.leave();
    button('copy-link').onclick = () => this.#copyLink();
    button('full-screen').onclick = () => this.#fullScreen();
    button('small-window').onclick = () => this.#smallWindow();
    flip.onclick = () => call.run(() => media.flip());
    button('open-settings').onclick = () => settings.open();
    button('open-help').onclick = act.help;
    more.onclick = () => more.hidePopover?.();
    button('full-screen').hidden = !document.fullscreenEnabled;
    button('small-window').hidden = !document.pictureInPictureEnabled;
    screenButton.hidden = !navigator.mediaDevices || !('getDisplayMedia' in navigator.mediaDevices);
    this.#fillReactions();
    listenToKeys({
      m: act.microphone, v: act.camera, s: act.screen, h: act.hand, '?': act.help,
      c: () => panels.toggle('chat'), p: () => panels.toggle('people'), i: () => panels.toggle('statistics'),
      l: () => call.toggleView(), f: () => this.#fullScreen(),
      PageUp: () => call.turnPage(-1), PageDown: () => call.turnPage(1),
      talk: (on) => this.#talk(on),
    }, this.#keys.signal);
  }

  draw() {
    const {media, conversation, devices} = this.#call;
    press(microphone, media.microphone?.muted === false, 'mic');
    press(camera, media.camera?.muted === false, 'camera');
    press(screenButton, media.screen !== null);
    press(hand, conversation.hands.has(''));
    press(view, this.#call.view === 'speaker');
    flip.hidden = devices.camera.length < 2 || !matchMedia('(pointer: coarse)').matches;
  }

  close() {
    this.#keys.abort();
    if (help.open) help.close();
    const settings = byId('settings', HTMLDialogElement);
    if (settings.open) settings.close();
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    if (document.pictureInPictureElement) document.exitPictureInPicture().catch(() => {});
  }

  #fillReactions() {
    reactionMenu.replaceChildren(...reactions.map((reaction) => make('button', {
      type: 'button', className: 'reaction-choice', textContent: reaction,
      onclick: () => {
        this.#call.conversation.react(reaction);
        reactionMenu.hidePopover?.();
      },
    })));
  }

  /** @param {boolean} on */
  #talk(on) {
    const {media} = this.#call;
    if (on && media.microphone?.muted === false) return; // it is open anyway
    if (on === this.#talking) return;
    this.#talking = on;
    this.#call.run(() => media.turn('microphone', on));
    if (on) this.#call.emitNotice({text: t('talking')});
  }

  async #copyLink() {
    const link = roomLink(this.#call.room.name);
    try {
      await navigator.clipboard.writeText(link);
      this.#call.emitNotice({text: t('linkCopied')});
    } catch {
      this.#call.emitNotice({text: t('linkIs', {link})});
    }
  }

  #fullScreen() {
    const change = document.fullscreenElement ? document.exitFullscreen() : callElement.requestFullscreen?.(); // iPhones have none
    change?.catch(() => {}); // the browser says so itself
  }

  async #smallWindow() {
    if (document.pictureInPictureElement) {
      await document.exitPictureInPicture();
      return;
    }
    try {
      await this.#tiles.mainVideo?.requestPictureInPicture();
      if (!this.#tiles.mainVideo) this.#call.emitNotice({text: t('noPicture')});
    } catch {
      this.#call.emitNotice({text: t('noPicture')});
    }
  }
}

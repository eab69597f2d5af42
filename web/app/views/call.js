import {perFrame} from '../../sdk/frames.js';
import {CallState} from '../state/call.js';
import {t} from '../state/text.js';
import {Banners} from './banners.js';
import {Chat} from './chat.js';
import {Controls} from './controls.js';
import {Settings} from './dialogs.js';
import {byId} from './dom.js';
import {Panels} from './panels.js';
import {People, drawCount} from './people.js';
import {showReactions} from './reactions.js';
import {Sound} from './sound.js';
import {StatisticsPanel} from './statistics.js';
import {Tiles} from './tiles.js';

/**
 * @typedef {import('../../plenum.js').Room} Room
 * @typedef {import('../state/settings.js').Settings} SettingsOfAddress
 * @typedef {import('../state/media.js').OpenTracks} OpenTracks
 */

const element = byId('call', HTMLElement);

/** The screen of the call: puts the views together and draws them once in a frame in which something changed. */
export class CallView {
  /** What the views draw. */
  state;
  #views;

  /** @param {Room} room @param {string} name @param {SettingsOfAddress} settings */
  constructor(room, name, settings) {
    const state = new CallState(room, name, settings);
    this.state = state;
    const banners = new Banners(state);
    const blocked = () => banners.banner('blocked', t('playBlocked'), {action: t('play'), run: () => {
      banners.banner('blocked', '');
      sound.play();
      tiles.play();
    }});
    const sound = new Sound(state, blocked);
    const tiles = new Tiles(state, blocked);
    const panels = new Panels((open) => state.conversation.show(open === 'chat'));
    const dialogs = new Settings(state, () => sound.switchSpeaker());
    this.#views = {
      tiles, sound, banners, dialogs,
      chat: new Chat(state), people: new People(state), statistics: new StatisticsPanel(state),
      controls: new Controls(state, {tiles, panels, settings: dialogs}),
    };
    showReactions(state);
    state.on('change', perFrame(() => { if (state.room.state !== 'closed') this.#draw(); }));
    byId('room-name', HTMLElement).textContent = room.name;
    document.title = `${room.name} · ${t('appName')}`;
    element.hidden = false;
    panels.show(matchMedia('(min-width: 1100px)').matches ? 'chat' : null, false);
    element.focus();
    this.#draw();
  }

  /** Publishes what the lobby had opened. @param {OpenTracks} tracks */
  publish(tracks) {
    this.state.media.publish(tracks);
  }

  /** @returns {{camera: boolean, microphone: boolean}} what was open, for the lobby to open again */
  close() {
    const {camera, microphone} = this.state.media;
    const open = {camera: camera?.muted === false, microphone: microphone?.muted === false};
    this.state.close();
    const {tiles, sound, banners, controls, statistics} = this.#views;
    for (const view of [tiles, sound, banners, controls, statistics]) view.close();
    element.hidden = true;
    return open;
  }

  #draw() {
    const {tiles, sound, banners, dialogs, chat, people, controls} = this.#views;
    element.dataset.state = this.state.room.state;
    for (const view of [tiles, sound, banners, dialogs, chat, people, controls]) view.draw();
    drawCount(this.state);
  }
}

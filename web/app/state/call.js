import {DeviceError, listDevices, watchDevices} from '../../plenum.js';
import {Emitter} from '../../sdk/emitter.js';
import {Conversation} from './conversation.js';
import {explain} from './explain.js';
import {promote} from './layout.js';
import {OwnMedia} from './media.js';
import {preferences, remember} from './settings.js';
import {t} from './text.js';
import {Trouble} from './trouble.js';

/**
 * @typedef {import('../../plenum.js').Room} Room
 * @typedef {import('../../plenum.js').Participant} Participant
 * @typedef {import('../../plenum.js').Devices} Devices
 * @typedef {import('./settings.js').Settings} Settings
 *
 * @typedef {{text: string, action?: string, run?: () => void, quiet?: boolean}} Notice
 *   quiet: only for screen readers
 *
 * @typedef {object} CallEvents
 * @property {{}} change  the screen may look different
 * @property {Notice} notice  to be shown for a while
 * @property {{id: string, reaction: string}} reaction
 * @property {'join' | 'leave'} sound
 * @property {{name: string, text: string}} chat  somebody else wrote
 */

/** After these events of the room the screen may look different. */
const changes = /** @type {const} */ ([
  'joined', 'participant-joined', 'participant-left', 'participant-updated',
  'track', 'track-ended', 'track-unsupported', 'unpublished', 'speakers', 'quality', 'state', 'retry',
]);

/**
 * The call as the app sees it: the room, what this page sends, who speaks, who has
 * a hand up, what was written, and what is wrong. Views draw it and call its methods.
 *
 * @extends {Emitter<CallEvents>}
 */
export class CallState extends Emitter {
  room;
  /** One's own name. */
  name;
  settings;
  media;
  trouble;
  conversation;
  /** Who speaks now, loudest first. @type {string[]} */
  speaking = [];
  /** @type {Map<string, number>} */
  lastSpoke = new Map();
  /** Everyone by id in the order of their tiles; oneself is '' and first. @type {string[]} */
  order = [''];
  /** The tile that the person wants large. */
  pinned = '';
  view = preferences.view;
  page = 0;
  /** How many people fit in sight; the view says. */
  inSight = 49;
  /** @type {Devices} */
  devices = {camera: [], microphone: [], speaker: []};

  /** @param {Room} room @param {string} name @param {Settings} settings */
  constructor(room, name, settings) {
    super();
    this.room = room;
    this.name = name;
    this.settings = settings;
    const changed = () => this.changed();
    const notify = this.emitNotice.bind(this);
    this.media = new OwnMedia(room, settings, changed);
    this.trouble = new Trouble(room, notify, changed);
    this.conversation = new Conversation(room, {
      changed,
      notify,
      reacted: (id, reaction) => this.emit('reaction', {id, reaction}),
      wrote: (from, text) => this.emit('chat', {name: from, text}),
    });
    for (const event of changes) room.on(event, changed);
    room.on('participant-joined', ({participant}) => this.#came(participant));
    room.on('participant-left', ({participant}) => this.#went(participant));
    room.on('speakers', ({speakers}) => this.#spoke(speakers.map(({id}) => (id === room.localId ? '' : id))));
    room.on('unpublished', ({publication}) => this.#lost(publication));
    room.on('error', ({error}) => { if (!error.fatal) this.failed(error); });
    for (const id of room.participants.keys()) this.order.push(id);
    watchDevices((devices) => this.#plugged(devices), {signal: room.closed});
    this.listDevices();
  }

  /** Tells the views, once for all the changes of a moment. */
  changed() {
    this.emit('change', {});
  }

  /** Says something to the person. @param {Notice} notice */
  emitNotice(notice) {
    this.emit('notice', notice);
  }

  /** The others, in the order of their tiles. @returns {Participant[]} */
  get others() {
    return this.order.flatMap((id) => this.room.participants.get(id) ?? []);
  }

  /** Does what the person asked for, and says so where it fails. @param {() => Promise<unknown> | unknown} action */
  async run(action) {
    try {
      await action();
    } catch (error) {
      this.failed(error);
    }
  }

  /** @param {unknown} error */
  failed(error) {
    if (this.room.state === 'closed') return; // whoever has left wants nothing any more
    // Whoever closes the browser's own picker needs no message about it.
    if (error instanceof DeviceError && error.kind === 'screen' && error.reason === 'denied') return;
    this.emit('notice', {text: explain(error)});
  }

  async listDevices() {
    this.devices = await listDevices();
    this.changed();
  }

  /** @param {string} key  of a tile */
  pin(key) {
    this.pinned = this.pinned === key ? '' : key;
    this.page = 0;
    this.changed();
  }

  toggleView() {
    this.view = this.view === 'grid' ? 'speaker' : 'grid';
    this.page = 0;
    remember({view: this.view});
    this.changed();
  }

  /** @param {number} step */
  turnPage(step) {
    this.page = Math.max(0, this.page + step);
    this.changed();
  }

  close() {
    this.trouble.close();
  }

  /** @param {Participant} participant */
  #came({id, name}) {
    if (!this.order.includes(id)) this.order.push(id);
    this.conversation.greet(id);
    this.emit('sound', 'join');
    this.emit('notice', {text: t('hasJoined', {name: name || t('guest')}), quiet: true});
  }

  /** @param {Participant} participant */
  #went({id, name}) {
    this.order = this.order.filter((one) => one !== id);
    this.lastSpoke.delete(id);
    this.conversation.forget(id);
    if (this.pinned.endsWith(` ${id}`)) this.pinned = '';
    this.emit('sound', 'leave');
    this.emit('notice', {text: t('hasLeft', {name: name || t('guest')}), quiet: true});
  }

  /** @param {string[]} ids */
  #spoke(ids) {
    this.speaking = ids;
    for (const id of ids) this.lastSpoke.set(id, performance.now());
    this.order = promote(this.order, ids.filter((id) => id !== ''), this.inSight, this.lastSpoke);
  }

  /** A track ended by itself. A device that was pulled out while it was on is replaced by another one. @param {import('../../plenum.js').Publication} publication */
  async #lost({source: kind, tracks, muted}) {
    if (kind !== 'camera' && kind !== 'microphone') return;
    if (this.room.state === 'closed') return;
    const device = tracks[0]?.label || t(kind);
    remember({[kind]: ''});
    if (muted) { // to open another one would be to unmute
      this.emit('notice', {text: t('unpluggedOff', {device})});
      return;
    }
    try {
      await this.media.turn(kind, true);
      this.emit('notice', {text: t('unplugged', {device, other: this.media[kind]?.tracks[0]?.label || t('defaultDevice')})});
    } catch {
      this.emit('notice', {text: t('unpluggedNone', {device})});
    }
  }

  /** @param {Devices} devices */
  #plugged(devices) {
    const before = this.devices;
    this.devices = devices;
    this.changed();
    for (const kind of /** @type {const} */ (['camera', 'microphone'])) {
      const known = new Set(before[kind].map((one) => one.deviceId));
      const added = devices[kind].find((one) => !known.has(one.deviceId) && one.deviceId !== 'default' && one.label);
      if (!added || before[kind].length === 0) continue;
      this.emit('notice', {
        text: t('plugged', {device: added.label}), action: t('useIt'),
        run: () => this.run(() => this.media.switchTo(kind, added.deviceId)),
      });
    }
  }
}

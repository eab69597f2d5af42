import {t} from './text.js';

/**
 * @typedef {import('../../plenum.js').Room} Room
 *
 * @typedef {{author: string, mine: boolean, text: string, at: Date}} Message
 *
 * @typedef {object} ConversationListener
 * @property {() => void} changed
 * @property {(notice: {text: string, quiet?: boolean}) => void} notify
 * @property {(id: string, reaction: string) => void} reacted  '' is oneself
 * @property {(name: string, text: string) => void} wrote
 */

/** The pictures that people may throw. Only these are shown, whatever comes over the wire. */
export const reactions = ['👍', '❤️', '😂', '👏', '🎉', '😮', '🤔', '👎'];

/** So many messages are kept: a call may last a day. */
const memory = 500;

/**
 * Chat, hands and reactions. All travel as the protocol's `message`, with the body
 * `{text}`, `{hand: boolean}` or `{reaction}`; a plain string counts as text, for
 * simpler pages.
 */
export class Conversation {
  /** @type {Message[]} */
  messages = [];
  unread = 0;
  /** Whether the person can see the messages; the view says. */
  open = false;
  /** Who has a hand up, in the order of raising; '' is oneself. @type {Set<string>} */
  hands = new Set();
  #room;
  #listener;

  /** @param {Room} room @param {ConversationListener} listener */
  constructor(room, listener) {
    this.#room = room;
    this.#listener = listener;
    room.on('message', ({from, participant, body}) => this.#receive(from, participant?.name || t('guest'), body));
    // Hands are not the server's business: a session that began anew says it again.
    room.on('joined', ({resumed}) => { if (!resumed && this.hands.has('')) room.send({hand: true}); });
  }

  /** @param {string} text @returns {boolean} whether it went out */
  write(text) {
    if (!this.#room.send({text})) {
      this.#listener.notify({text: t('notSent')});
      return false;
    }
    this.#add({author: t('me'), mine: true, text, at: new Date()});
    return true;
  }

  toggleHand() {
    const up = !this.hands.has('');
    if (!this.#room.send({hand: up})) {
      this.#listener.notify({text: t('notSent')});
      return;
    }
    this.#raise('', up);
  }

  /** @param {string} reaction */
  react(reaction) {
    if (this.#room.send({reaction})) this.#listener.reacted('', reaction);
  }

  /** Tells a newcomer what everyone else already knows. @param {string} id */
  greet(id) {
    if (this.hands.has('')) this.#room.send({hand: true}, id);
  }

  /** @param {string} id */
  forget(id) {
    this.hands.delete(id);
  }

  /** @param {boolean} open */
  show(open) {
    this.open = open;
    if (open) this.unread = 0;
    this.#listener.changed();
  }

  /** @param {string} from @param {string} name @param {unknown} body */
  #receive(from, name, body) {
    const {text, hand, reaction} = typeof body === 'string' ? {text: body, hand: undefined, reaction: undefined}
      : /** @type {{text?: unknown, hand?: unknown, reaction?: unknown}} */ (body ?? {});
    if (typeof text === 'string' && text) {
      this.#add({author: name, mine: false, text, at: new Date()});
      this.#listener.wrote(name, text);
    }
    if (typeof hand === 'boolean') {
      if (hand && !this.hands.has(from)) this.#listener.notify({text: t('hasRaised', {name})});
      this.#raise(from, hand);
    }
    if (typeof reaction === 'string' && reactions.includes(reaction)) {
      this.#listener.reacted(from, reaction);
      this.#listener.notify({text: t('hasReacted', {name, reaction}), quiet: true});
    }
  }

  /** @param {Message} message */
  #add(message) {
    this.messages.push(message);
    if (this.messages.length > memory) this.messages.shift();
    if (!this.open && !message.mine) this.unread++;
    this.#listener.changed();
  }

  /** @param {string} id @param {boolean} up */
  #raise(id, up) {
    if (up) this.hands.add(id);
    else this.hands.delete(id);
    this.#listener.changed();
  }
}

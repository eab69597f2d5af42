import {linkify} from '../state/links.js';
import {current, t} from '../state/text.js';
import {button, byId, label, make} from './dom.js';

/**
 * @typedef {import('../state/call.js').CallState} CallState
 * @typedef {import('../state/conversation.js').Message} Message
 */

const log = byId('chat-log', HTMLElement);
const empty = byId('chat-empty', HTMLElement);
const form = byId('chat-form', HTMLFormElement);
const input = byId('chat-input', HTMLInputElement);
const toggle = button('toggle-chat');

/** The messages, and the place to write one. */
export class Chat {
  #call;
  /** @type {Message[]} those that are drawn */
  #drawn = [];

  /** @param {CallState} call */
  constructor(call) {
    this.#call = call;
    log.replaceChildren();
    form.onsubmit = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text && call.conversation.write(text)) input.value = '';
    };
    // Spoken whether the panel is open or not; the log itself would be silent while hidden.
    call.on('chat', ({name, text}) => call.emitNotice({text: t('wrote', {name, text}), quiet: true}));
  }

  draw() {
    const {messages, unread} = this.#call.conversation;
    empty.hidden = messages.length > 0;
    while (this.#drawn[0] && this.#drawn[0] !== messages[0]) {
      this.#drawn.shift();
      log.firstElementChild?.remove();
    }
    const fresh = messages.slice(this.#drawn.length);
    if (fresh.length > 0) {
      const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
      this.#drawn.push(...fresh);
      log.append(...fresh.map(element));
      if (atEnd || fresh.some(({mine}) => mine)) log.scrollTop = log.scrollHeight;
    }
    if (unread > 0) toggle.dataset.unread = unread > 99 ? '99+' : String(unread);
    else delete toggle.dataset.unread;
    label(toggle, unread > 0 ? t('unread', {n: unread}) : t('chat'));
  }
}

/** @param {Message} message */
function element({author, mine, text, at}) {
  const body = make('p', {dir: 'auto'}, ...linkify(text).map(({text: part, href}) => (
    href ? make('a', {href, textContent: part, target: '_blank', rel: 'noopener noreferrer'}) : part
  )));
  const time = make('time', {dateTime: at.toISOString(), textContent: at.toLocaleTimeString(current.language, {hour: '2-digit', minute: '2-digit'})});
  return make('li', {className: mine ? 'mine' : ''}, make('b', {}, make('bdi', {textContent: author}), ' ', time), body);
}

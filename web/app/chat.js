import {byId, make, press} from './page.js';

/** @typedef {import('../sdk/room.js').Room} Room */

const panel = byId('chat', HTMLElement);
const log = byId('chat-log', HTMLElement);
const form = byId('chat-form', HTMLFormElement);
const input = byId('chat-input', HTMLInputElement);
const button = byId('toggle-chat', HTMLButtonElement);

/** The chat panel. A message's body is `{text}`, or a plain string from simpler pages. */
export class Chat {
  #room;

  /** @param {Room} room @param {(text: string) => void} warn */
  constructor(room, warn) {
    this.#room = room;
    log.replaceChildren();
    this.#show(matchMedia('(min-width: 1000px)').matches);
    button.onclick = () => {
      this.#show(Boolean(panel.hidden));
      if (!panel.hidden) input.focus();
    };
    panel.onkeydown = (event) => {
      if (event.key !== 'Escape') return;
      this.#show(false);
      button.focus();
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text) return;
      if (!this.#room.send({text})) {
        warn('Not connected at the moment: the message was not sent.');
        return;
      }
      input.value = '';
      this.#append('You', text);
    };
    room.on('message', ({participant, body}) => {
      const text = typeof body === 'string' ? body : /** @type {{text?: unknown} | null} */ (body)?.text;
      if (typeof text !== 'string') return;
      this.#append(participant?.name || 'Guest', text);
      if (panel.hidden) button.dataset.unread = '';
    });
  }

  /** @param {boolean} open */
  #show(open) {
    panel.hidden = !open;
    press(button, open);
    if (open) delete button.dataset.unread;
  }

  /** @param {string} author @param {string} text */
  #append(author, text) {
    log.append(make('li', {}, make('b', {textContent: author}), make('p', {textContent: text})));
    log.scrollTop = log.scrollHeight;
  }
}

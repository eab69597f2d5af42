import {button, byId, press} from './dom.js';

const names = /** @type {const} */ (['chat', 'people', 'statistics']);

/** @typedef {(typeof names)[number]} PanelName */

/** The panels at the side. One at a time, since they share the place. */
export class Panels {
  #changed;

  /** @param {(open: PanelName | null) => void} changed */
  constructor(changed) {
    this.#changed = changed;
    for (const name of names) {
      const panel = byId(name, HTMLElement);
      button(`toggle-${name}`).onclick = () => this.toggle(name);
      panel.onkeydown = (event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        this.show(null);
      };
      const close = panel.querySelector('[data-close]');
      if (close instanceof HTMLElement) close.onclick = () => this.show(null);
    }
    button('head-count').onclick = () => this.toggle('people');
  }

  /** @returns {PanelName | null} */
  get open() {
    return names.find((name) => !byId(name, HTMLElement).hidden) ?? null;
  }

  /** @param {PanelName} name */
  toggle(name) {
    this.show(this.open === name ? null : name);
  }

  /** @param {PanelName | null} wanted @param {boolean} [focus]  whether the person asked for it */
  show(wanted, focus = true) {
    const before = this.open;
    for (const name of names) {
      byId(name, HTMLElement).hidden = name !== wanted;
      press(button(`toggle-${name}`), name === wanted);
    }
    button('head-count').setAttribute('aria-expanded', String(wanted === 'people'));
    this.#changed(wanted);
    if (!focus) return;
    // Whoever closes a panel goes on where it was opened.
    if (wanted === 'chat') byId('chat-input', HTMLElement).focus();
    else if (wanted) /** @type {HTMLElement | null} */ (byId(wanted, HTMLElement).querySelector('[data-close]'))?.focus();
    else if (before) button(before === 'chat' ? 'toggle-chat' : 'open-more').focus();
  }
}

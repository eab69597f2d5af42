import {preferences} from '../state/settings.js';
import {t} from '../state/text.js';
import {byId, make} from './dom.js';

/**
 * The keys, in the order of the help sheet. Letters stand for what they do in
 * English; they can be switched off in the settings (WCAG 2.1.4).
 */
const keys = /** @type {const} */ ([
  ['m', 'key.mic'], [' ', 'key.talk'], ['v', 'key.camera'], ['s', 'key.screen'], ['h', 'key.hand'], ['c', 'key.chat'],
  ['p', 'key.people'], ['l', 'key.view'], ['f', 'key.full'], ['i', 'key.stats'], ['PageUp', 'key.pages'], ['PageDown', 'key.pages'],
  ['?', 'key.help'],
]);

/** @typedef {(typeof keys)[number][0]} Key */

/** Fills the help sheet. */
export function drawHelp() {
  const rows = keys.filter(([key]) => key !== 'PageDown').map(([key, text]) => [
    make('dt', {}, make('kbd', {textContent: {' ': t('space'), PageUp: 'PgUp / PgDn'}[/** @type {string} */ (key)] ?? key.toUpperCase()})),
    make('dd', {textContent: t(text)}),
  ]);
  byId('keys', HTMLElement).replaceChildren(...rows.flat(), make('dt', {}, make('kbd', {textContent: 'Esc'})), make('dd', {textContent: t('key.close')}));
}

/**
 * Listens to single keys while nobody types.
 *
 * @param {{[K in Exclude<Key, ' '>]: () => void} & {talk: (on: boolean) => void}} actions
 * @param {AbortSignal} signal
 */
export function listenToKeys(actions, signal) {
  let talking = false;
  const release = () => {
    if (talking) actions.talk(false);
    talking = false;
  };
  document.addEventListener('keydown', (event) => {
    if (!preferences.shortcuts || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    if (document.querySelector('dialog[open]')) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === ' ') {
      // On a button the space bar presses it, as everywhere.
      if (event.target instanceof HTMLElement && event.target.closest('button, a, summary, [role=button]')) return;
      event.preventDefault();
      if (!talking && !event.repeat) {
        talking = true;
        actions.talk(true);
      }
      return;
    }
    if (!keys.some(([one]) => one === key) || event.repeat) return;
    event.preventDefault();
    actions[/** @type {Exclude<Key, ' '>} */ (key)]();
  }, {signal});
  document.addEventListener('keyup', (event) => { if (event.key === ' ') release(); }, {signal});
  addEventListener('blur', release, {signal});
}

/** @param {EventTarget | null} target */
function typing(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
}

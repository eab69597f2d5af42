import {preferences, remember} from '../state/settings.js';
import {languageNames, t} from '../state/text.js';
import {byId, checkbox, choice, fill} from './dom.js';
import {Pickers, blurBackground} from './pickers.js';

/** @typedef {import('../state/call.js').CallState} CallState */

const settings = byId('settings', HTMLDialogElement);

/** Makes the dialogs' own buttons, and a click beside them, close them. */
export function prepareDialogs() {
  for (const dialog of document.querySelectorAll('dialog')) {
    const close = dialog.querySelector('[data-close]');
    if (close instanceof HTMLElement) close.onclick = () => dialog.close();
    dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  }
  applyTheme();
}

/** Light, dark, or as the system has it. */
export function applyTheme() {
  if (preferences.theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = preferences.theme;
}

/** The settings in the call: devices, sounds, shortcuts, colours, language. */
export class Settings {
  #call;
  #pickers;

  /** @param {CallState} call @param {() => void} speakerChanged */
  constructor(call, speakerChanged) {
    this.#call = call;
    this.#pickers = new Pickers(/** @type {HTMLElement} */ (settings.querySelector('.pickers')), {
      choose: (kind, id) => {
        if (kind === 'speaker') speakerChanged();
        else call.run(() => call.media.switchTo(kind, id));
      },
      mirrored: () => call.changed(),
      blur: (on) => blurBackground(call.media.camera?.tracks[0], on),
    });
    settings.querySelector('.choices')?.replaceChildren(
      check('sounds'), check('shortcuts'),
      ...select('theme', {system: t('themeSystem'), light: t('themeLight'), dark: t('themeDark')}, applyTheme),
      // The page is drawn in one language; a call must not be left for another one, so it shows the next time.
      ...select('language', {'': t('themeSystem'), ...languageNames}, () => {}),
    );
  }

  async open() {
    await this.#call.listDevices();
    this.draw();
    settings.showModal();
  }

  draw() {
    this.#pickers.show(this.#call.devices, this.#call.media.camera?.tracks[0] ?? null);
  }
}

/** @param {'sounds' | 'shortcuts'} name */
function check(name) {
  return checkbox(t(name), preferences[name], (checked) => remember({[name]: checked}));
}

/** @param {'theme' | 'language'} name @param {Record<string, string>} options @param {() => void} changed */
function select(name, options, changed) {
  const [text, list] = choice(t(name), (value) => {
    remember({[name]: value});
    changed();
  });
  list.dataset.setting = name;
  fill(list, Object.entries(options).map(([id, shown]) => ({id, text: shown})), preferences[name]);
  return [text, list];
}

import {preferences, remember} from '../state/settings.js';
import {t} from '../state/text.js';
import {checkbox, choice, fill, make} from './dom.js';
import {canChooseSpeaker, testSpeaker} from './sound.js';

/**
 * @typedef {import('../../plenum.js').Devices} Devices
 *
 * @typedef {object} PickerActions
 * @property {(kind: 'camera' | 'microphone' | 'speaker', id: string) => void} choose
 * @property {() => void} mirrored
 * @property {(on: boolean) => void} blur
 */

/** The choice of camera, microphone and speaker, before the call and in it. */
export class Pickers {
  /** @type {Map<keyof Devices, HTMLSelectElement>} */
  #selects = new Map();
  #mirror;
  #blur;

  /** @param {HTMLElement} place @param {PickerActions} actions */
  constructor(place, actions) {
    place.replaceChildren();
    for (const kind of /** @type {const} */ (['camera', 'microphone', 'speaker'])) {
      if (kind === 'speaker' && !canChooseSpeaker) continue;
      const [name, select] = choice(t(kind), (id) => {
        if (kind === 'speaker') remember({speaker: id});
        actions.choose(kind, id);
      });
      select.dataset.picker = kind;
      this.#selects.set(kind, select);
      place.append(name, select);
    }
    const test = make('button', {type: 'button', className: 'secondary', textContent: t('testSpeaker'), onclick: async () => {
      test.disabled = true;
      await testSpeaker().catch(() => {}); // silence is what the test is there to show
      test.disabled = false;
    }});
    test.dataset.testid = 'test-speaker';
    this.#mirror = checkbox(t('mirror'), preferences.mirror, (checked) => {
      remember({mirror: checked});
      actions.mirrored();
    });
    this.#blur = checkbox(t('blur'), preferences.blur, (checked) => {
      remember({blur: checked});
      actions.blur(checked);
    });
    this.#blur.hidden = true;
    place.append(test, this.#mirror, this.#blur);
  }

  /**
   * @param {Devices} devices
   * @param {MediaStreamTrack | null} [camera]  what is open now
   */
  show(devices, camera = null) {
    for (const [kind, select] of this.#selects) {
      const list = devices[kind].filter(({deviceId}) => deviceId !== 'default');
      const options = [{id: '', text: t('defaultDevice')}, ...list.map(({deviceId, label}, index) => ({
        id: deviceId, text: label || t('unnamedDevice', {n: index + 1}),
      }))];
      const text = JSON.stringify(options);
      const chosen = options.some(({id}) => id === preferences[kind]) ? preferences[kind] : '';
      // An open list must not be pulled away.
      if (select.dataset.options !== text) fill(select, options, chosen);
      else if (select.value !== chosen) select.value = chosen;
      select.dataset.options = text;
    }
    for (const [label, name] of /** @type {const} */ ([[this.#mirror, 'mirror'], [this.#blur, 'blur']])) {
      const box = label.querySelector('input');
      if (box) box.checked = preferences[name];
    }
    // Only where the system itself can do it (Chromium on some systems).
    const {backgroundBlur} = /** @type {{backgroundBlur?: boolean[]}} */ (camera?.getCapabilities?.() ?? {});
    this.#blur.hidden = !(backgroundBlur?.includes(true) && backgroundBlur.includes(false));
  }
}

/** @param {MediaStreamTrack | null | undefined} track @param {boolean} on */
export function blurBackground(track, on) {
  track?.applyConstraints(/** @type {MediaTrackConstraints} */ ({backgroundBlur: on})).catch(() => {}); // it stays as it is, and the box can be tried again
}

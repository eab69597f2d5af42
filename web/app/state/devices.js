import {DeviceError} from '../../sdk/errors.js';
import {openDevice, openDevices} from '../../sdk/media.js';
import {constraintsOf, preferences} from './settings.js';

/**
 * @typedef {import('./settings.js').Settings} Settings
 * @typedef {'camera' | 'microphone'} Kind
 */

/**
 * Opens the chosen device, or another one where it is gone.
 *
 * @param {Kind} kind
 * @param {Settings} settings
 * @param {MediaTrackConstraints & {signal?: AbortSignal}} [more]
 * @returns {Promise<MediaStreamTrack>}  DeviceError where there is none
 */
export async function openChosen(kind, settings, more = {}) {
  const constraints = {...constraintsOf(kind, settings), ...more};
  try {
    return await openDevice(kind, constraints);
  } catch (error) {
    if (!isGone(error)) throw error;
    return openDevice(kind, {...constraints, deviceId: undefined});
  }
}

/**
 * Opens both with one question to the person, and what there is where one is missing.
 *
 * @param {Record<Kind, boolean>} wanted
 * @param {Settings} settings
 */
export async function openWanted(wanted, settings) {
  const {errors, ...open} = await openDevices({
    camera: wanted.camera && constraintsOf('camera', settings), microphone: wanted.microphone && constraintsOf('microphone', settings),
  });
  /** @type {Record<Kind, unknown>} */
  const problems = {camera: null, microphone: null};
  for (const error of errors) {
    const kind = /** @type {Kind} */ (error.kind);
    try {
      if (!isGone(error)) throw error;
      open[kind] = await openChosen(kind, settings);
    } catch (reason) {
      problems[kind] = reason;
    }
  }
  return {open, problems};
}

/** Whether the chosen device is missing, so that another one may do. @param {unknown} error */
function isGone(error) {
  return error instanceof DeviceError && error.reason === 'missing' && error.kind !== 'screen' && preferences[error.kind] !== '';
}

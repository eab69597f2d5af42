import {screenRate} from './encodings.js';
import {DeviceError} from './errors.js';

/**
 * Cameras, microphones and speakers, with reasons instead of exceptions' names.
 *
 * @typedef {'camera' | 'microphone'} DeviceKind
 * @typedef {{camera: MediaDeviceInfo[], microphone: MediaDeviceInfo[], speaker: MediaDeviceInfo[]}} Devices
 */

/**
 * Opens a camera or a microphone. Asks the person the first time.
 *
 * @param {DeviceKind} kind
 * @param {MediaTrackConstraints & {signal?: AbortSignal}} [options]  getUserMedia's constraints of this kind
 * @returns {Promise<MediaStreamTrack>}  DeviceError where there is none
 */
export async function openDevice(kind, {signal, ...constraints} = {}) {
  signal?.throwIfAborted();
  // Browsers hide the whole interface on pages that are neither https nor localhost.
  if (!supported()) throw new DeviceError(kind, 'insecure');
  try {
    const stream = await navigator.mediaDevices.getUserMedia(kind === 'camera' ? {video: constraints} : {audio: constraints});
    const [track] = stream.getTracks();
    if (!track) throw new DeviceError(kind, 'missing');
    if (signal?.aborted) {
      track.stop();
      signal.throwIfAborted();
    }
    return track;
  } catch (error) {
    if (signal?.aborted || error instanceof DeviceError) throw error;
    throw new DeviceError(kind, reasonOf(error), error);
  }
}

/**
 * Opens camera and microphone with one prompt, and what there is where one is missing.
 *
 * @param {{camera?: MediaTrackConstraints | false, microphone?: MediaTrackConstraints | false}} [wanted]
 * @returns {Promise<{camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null, errors: DeviceError[]}>}  it never fails
 */
export async function openDevices({camera = {}, microphone = {}} = {}) {
  if (camera && microphone && supported()) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({video: camera, audio: microphone});
      return {camera: stream.getVideoTracks()[0] ?? null, microphone: stream.getAudioTracks()[0] ?? null, errors: []};
    } catch (error) {
      // Whoever has just declined both is not asked for each of them once more. Otherwise
      // it is found out below which of the two it was.
      if (reasonOf(error) === 'denied' && await undecided()) {
        return {camera: null, microphone: null, errors: [new DeviceError('camera', 'denied', error), new DeviceError('microphone', 'denied', error)]};
      }
    }
  }
  const [one, other] = await Promise.allSettled([
    camera ? openDevice('camera', camera) : null,
    microphone ? openDevice('microphone', microphone) : null,
  ]);
  return {
    camera: one.status === 'fulfilled' ? one.value : null,
    microphone: other.status === 'fulfilled' ? other.value : null,
    errors: [one, other].flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])),
  };
}

/**
 * Asks the person for a screen, window or tab, with its sound where the browser can.
 *
 * @param {DisplayMediaStreamOptions} [options]
 * @returns {Promise<MediaStream>}
 */
export async function openScreen(options) {
  // Phones have no such function.
  if (!supported() || !('getDisplayMedia' in navigator.mediaDevices)) throw new DeviceError('screen', 'missing');
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: {frameRate: {ideal: screenRate, max: screenRate}}, audio: true, ...options,
    });
    // Text must stay sharp: under pressure drop frames rather than pixels.
    for (const track of stream.getVideoTracks()) if ('contentHint' in track) track.contentHint = 'detail';
    return stream;
  } catch (error) {
    throw new DeviceError('screen', reasonOf(error), error);
  }
}

/**
 * What is plugged in. Before the person has allowed anything, browsers give no names and ids.
 *
 * @returns {Promise<Devices>}
 */
export async function listDevices() {
  const all = await globalThis.navigator?.mediaDevices?.enumerateDevices?.().catch(() => []) ?? [];
  const of = (/** @type {MediaDeviceKind} */ kind) => all.filter((one) => one.kind === kind && one.deviceId !== '');
  return {camera: of('videoinput'), microphone: of('audioinput'), speaker: of('audiooutput')};
}

/**
 * Calls the listener after every plugging and unplugging.
 *
 * @param {(devices: Devices) => void} listener
 * @param {{signal?: AbortSignal}} [options]
 */
export function watchDevices(listener, {signal} = {}) {
  globalThis.navigator?.mediaDevices?.addEventListener?.('devicechange', async () => {
    const devices = await listDevices();
    if (!signal?.aborted) listener(devices);
  }, {signal});
}

/** @returns {boolean} */
function supported() {
  return Boolean(globalThis.navigator?.mediaDevices);
}

/** Whether the browser would ask for camera and microphone again; false where it does not say. */
async function undecided() {
  try {
    const states = await Promise.all(['camera', 'microphone'].map((name) => navigator.permissions.query({name: /** @type {PermissionName} */ (name)})));
    return states.every(({state}) => state === 'prompt');
  } catch {
    return false;
  }
}

/** @param {unknown} error @returns {import('./errors.js').DeviceReason} */
function reasonOf(error) {
  switch (error instanceof DOMException || error instanceof Error ? error.name : '') {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
    case 'DevicesNotFoundError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
    case 'TrackStartError':
      return 'in-use';
    case 'SecurityError':
    case 'TypeError':
      return globalThis.isSecureContext === false ? 'insecure' : 'failed';
    default:
      return 'failed';
  }
}

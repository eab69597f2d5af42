/**
 * @typedef {'camera' | 'microphone'} DeviceKind
 * @typedef {{camera: MediaStreamTrack | null, microphone: MediaStreamTrack | null, problem: string}} OpenDevices
 */

/**
 * Opens a camera or a microphone. Fails with a sentence for a person.
 *
 * @param {DeviceKind} kind
 * @param {MediaTrackConstraints} video
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openDevice(kind, video) {
  try {
    const stream = await ask(kind === 'camera' ? {video} : {audio: true});
    const [track] = stream.getTracks();
    if (!track) throw new DOMException('', 'NotFoundError');
    return track;
  } catch (error) {
    throw new Error(explain(error, kind === 'camera' ? 'The camera' : 'The microphone'), {cause: error});
  }
}

/**
 * Opens what there is, with one prompt if possible: without a camera still the
 * microphone, without either nothing. It never fails.
 *
 * @param {MediaTrackConstraints} video
 * @returns {Promise<OpenDevices>}
 */
export async function openDevices(video) {
  try {
    const stream = await ask({video, audio: true});
    return {camera: stream.getVideoTracks()[0] ?? null, microphone: stream.getAudioTracks()[0] ?? null, problem: ''};
  } catch {
    const [camera, microphone] = await Promise.allSettled([openDevice('camera', video), openDevice('microphone', video)]);
    return {
      camera: camera.status === 'fulfilled' ? camera.value : null,
      microphone: microphone.status === 'fulfilled' ? microphone.value : null,
      problem: [camera, microphone].flatMap((one) => (one.status === 'rejected' ? one.reason.message : [])).join(' '),
    };
  }
}

/** @param {MediaStreamConstraints} constraints */
async function ask(constraints) {
  // Browsers hide the whole interface on pages that are neither https nor localhost.
  if (!navigator.mediaDevices) throw new DOMException('', 'SecurityError');
  return navigator.mediaDevices.getUserMedia(constraints);
}

/** @param {unknown} error @param {string} subject */
function explain(error, subject) {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
      return `${subject} is blocked: allow it in the browser’s settings for this page.`;
    case 'NotFoundError':
    case 'OverconstrainedError':
      return `${subject} was not found.`;
    case 'NotReadableError':
    case 'AbortError':
      return `${subject} is in use by another program.`;
    case 'SecurityError':
      return `${subject} works only on https pages and on localhost.`;
    default:
      return `${subject} could not be opened.`;
  }
}

/**
 * @typedef {import('./protocol.js').Source} Source
 * @typedef {import('./protocol.js').Kind} Kind
 *
 * @typedef {object} SendOptions  how video is sent; audio ignores it
 * @property {string} [codec]  "VP8", "VP9", "H264", "AV1": only this one, if the browser has it
 * @property {boolean} [simulcast]  three layers instead of one; false by default
 * @property {number} [maxBitrate]  bit/s of the (topmost) layer
 *
 * @typedef {object} LocalTrack  one track that this page publishes
 * @property {MediaStreamTrack} track
 * @property {Source} source
 * @property {boolean} muted
 * @property {MediaStream} stream
 * @property {SendOptions} options
 * @property {RTCRtpTransceiver | null} transceiver  in the session of now
 *
 * @typedef {{shape: string, transceiver: RTCRtpTransceiver}} Idle
 */

/**
 * Gives a track an m-line: an idle one of the same shape, or a new one. So the SDP
 * does not grow when someone shares the screen for the hundredth time.
 *
 * @param {RTCPeerConnection} pc
 * @param {LocalTrack} local
 * @param {Idle[]} idle
 */
export function attach(pc, local, idle) {
  const index = idle.findIndex((one) => one.shape === shape(local));
  const [reused] = index < 0 ? [] : idle.splice(index, 1);
  if (reused) {
    reused.transceiver.direction = 'sendonly';
    reused.transceiver.sender.setStreams?.(local.stream);
    local.transceiver = reused.transceiver;
    sync(local);
    return;
  }
  const sendEncodings = encodings(local);
  local.transceiver = pc.addTransceiver(local.track, {
    direction: 'sendonly',
    streams: [local.stream],
    ...(sendEncodings.length > 0 && {sendEncodings}),
  });
  preferCodec(local);
  if (local.muted) sync(local);
}

/**
 * Takes a track from its m-line, which stays for the next one.
 *
 * @param {LocalTrack} local
 * @param {Idle[]} idle
 */
export function detach(local, idle) {
  const transceiver = local.transceiver;
  local.transceiver = null;
  if (!transceiver) return;
  transceiver.direction = 'inactive';
  transceiver.sender.replaceTrack(null).catch(() => {}); // it fails only where the connection is closed
  idle.push({shape: shape(local), transceiver});
}

/**
 * Makes the sender send what it should: nothing at all while muted, so that a
 * silent microphone costs the room no packets.
 *
 * @param {LocalTrack} local
 * @returns {Promise<void>}
 */
export async function sync(local) {
  await local.transceiver?.sender.replaceTrack(local.muted ? null : local.track);
}

/** Changes of a sender's parameters run one after another: each must read what the one before has written. */
const changes = new WeakMap();

/**
 * Stops encoding the layers that nobody watches, and starts them again.
 *
 * @param {LocalTrack} local
 * @param {Record<string, boolean>} active  by rid
 * @returns {Promise<void>}
 */
export function activate({transceiver}, active) {
  const sender = transceiver?.sender;
  if (!sender?.getParameters) return Promise.resolve();
  const change = (changes.get(sender) ?? Promise.resolve()).then(async () => {
    const parameters = sender.getParameters();
    let different = false;
    for (const encoding of parameters.encodings ?? []) {
      const wanted = active[encoding.rid ?? ''];
      if (wanted === undefined || wanted === (encoding.active ?? true)) continue;
      encoding.active = wanted;
      different = true;
    }
    if (different) await sender.setParameters(parameters);
  }).catch(() => {}); // the sender was stopped meanwhile; the layers only cost a little
  changes.set(sender, change);
  return change;
}

/**
 * What a track is published as, if the page does not say it.
 *
 * @param {MediaStreamTrack} track
 * @param {Source} [wish]
 * @returns {Source}
 */
export function sourceOf(track, wish) {
  const screen = wish === 'screen' || wish === 'screen-audio';
  if (track.kind === 'audio') return screen ? 'screen-audio' : 'microphone';
  return screen ? 'screen' : 'camera';
}

/** What must be equal for an m-line to be used again. @param {LocalTrack} local */
function shape({track, options}) {
  return track.kind === 'audio' ? 'audio' : `video ${options.codec ?? ''} ${options.simulcast ?? false} ${options.maxBitrate ?? ''}`;
}

/** @param {LocalTrack} local @returns {RTCRtpEncodingParameters[]} */
function encodings({track, options}) {
  if (track.kind === 'audio') return [];
  const top = options.maxBitrate ? {maxBitrate: options.maxBitrate} : {};
  if (!options.simulcast) return options.maxBitrate ? [top] : [];
  return [
    {rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000},
    {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000},
    {rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000, ...top},
  ];
}

/** @param {LocalTrack} local */
function preferCodec({track, options, transceiver}) {
  const name = options.codec?.toLowerCase();
  if (!name || track.kind !== 'video' || !transceiver?.setCodecPreferences) return;
  const all = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
  const wanted = all.filter((codec) => codec.mimeType.toLowerCase() === `video/${name}`);
  const repair = all.filter((codec) => codec.mimeType.toLowerCase() === 'video/rtx');
  if (wanted.length > 0) transceiver.setCodecPreferences([...wanted, ...repair]);
}

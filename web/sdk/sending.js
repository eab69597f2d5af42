import {encodings, isScalable} from './encodings.js';

/**
 * @typedef {import('./protocol.js').Source} Source
 * @typedef {import('./encodings.js').SendOptions} SendOptions
 * @typedef {import('./encodings.js').Encoding} Encoding
 *
 * @typedef {object} LocalTrack  one track that this page publishes
 * @property {MediaStreamTrack} track
 * @property {Source} source
 * @property {boolean} muted
 * @property {MediaStream} stream
 * @property {SendOptions} options
 * @property {RTCRtpTransceiver | null} transceiver  in the session of now
 * @property {Record<string, boolean>} wanted  by rid, whether anyone watches the layer; unsaid: someone may
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
  local.wanted = {};
  const index = idle.findIndex((one) => one.shape === shapeOf(local));
  const [reused] = index < 0 ? [] : idle.splice(index, 1);
  if (reused) {
    reused.transceiver.direction = 'sendonly';
    reused.transceiver.sender.setStreams?.(local.stream);
    local.transceiver = reused.transceiver;
    sync(local);
    return;
  }
  const {track, stream, source, options} = local;
  const layers = track.kind === 'video' ? encodings(source, options, sizeOf(track)) : [];
  local.transceiver = addTransceiver(pc, track, {direction: 'sendonly', streams: [stream]}, layers);
  preferCodec(local.transceiver, track.kind, options.codec);
  if (local.muted) sync(local);
}

/**
 * M-lines for the microphone and the camera that may come later. What a connection
 * can do is settled by its first m-lines: Chromium offers later ones only the header
 * extensions that are in use by then, and if those are the server's offer of what it
 * sends, layers can't be told apart and the uplink's bandwidth is not estimated.
 *
 * @param {RTCPeerConnection} pc
 * @param {Idle[]} idle
 */
export function reserve(pc, idle) {
  for (const kind of /** @type {const} */ (['audio', 'video'])) {
    const transceiver = addTransceiver(pc, kind, {direction: 'inactive'}, kind === 'video' ? encodings('camera', {}, {}) : []);
    preferCodec(transceiver, kind);
    idle.push({shape: shape(kind, kind === 'audio' ? 'microphone' : 'camera', {}), transceiver});
  }
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
  idle.push({shape: shapeOf(local), transceiver});
}

/**
 * Makes the sender send what it should: nothing at all while muted, so that a
 * silent microphone costs the room no packets; and in the layers of the track's size.
 *
 * @param {LocalTrack} local
 * @returns {Promise<void>}
 */
export async function sync(local) {
  await local.transceiver?.sender.replaceTrack(local.muted ? null : local.track);
  await tune(local);
}

/**
 * Stops encoding the layers that nobody watches, and starts them again.
 *
 * @param {LocalTrack} local
 * @param {Record<string, boolean>} wanted  by rid
 * @returns {Promise<void>}
 */
export function activate(local, wanted) {
  local.wanted = wanted;
  return tune(local);
}

/** Changes of a sender's parameters run one after another: each must read what the one before has written. */
const changes = new WeakMap();

/** Parameters that may change while a track is sent. */
const tuned = /** @type {const} */ (['active', 'scaleResolutionDownBy', 'maxBitrate', 'maxFramerate']);

/**
 * Writes into a remote description which layers are paused here ("~", RFC 8853,
 * section 5.2). libwebrtc would set all others active, and start their encoders
 * for a moment with each description.
 *
 * @param {string} sdp
 * @param {LocalTrack[]} locals
 */
export function keepPaused(sdp, locals) {
  return sdp.split(/^(?=m=)/m).map((section) => {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const sender = mid && locals.find(({transceiver}) => transceiver?.mid === mid)?.transceiver?.sender;
    const paused = sender && sender.getParameters?.().encodings?.filter((one) => one.active === false).map(({rid}) => rid);
    if (!paused?.length) return section;
    return section.replace(/^(a=simulcast:.*\brecv )(\S+)/m, (_, before, list) => (
      before + list.replace(/[^;,~]+/g, (/** @type {string} */ rid) => (paused.includes(rid) ? `~${rid}` : rid)).replaceAll('~~', '~')
    ));
  }).join('');
}

/**
 * Writes into an offer that lost packets of sound may be asked for again. libwebrtc can
 * do that and doesn't say so; it does it where the answer says so. Only browsers that
 * know RED, which are those made of it, are spoken for.
 *
 * @param {string} sdp
 */
export function offerRepeats(sdp) {
  return sdp.split(/^(?=m=)/m).map((section) => {
    if (!section.startsWith('m=audio') || !/^a=rtpmap:\d+ red\//m.test(section)) return section;
    return section.replace(/^a=rtpmap:(\d+) (?:red|opus)\/.*(\r?\n)/gm, (line, number, end) => (
      new RegExp(`^a=rtcp-fb:${number} nack\\r?$`, 'm').test(section) ? line : `${line}a=rtcp-fb:${number} nack${end}`
    ));
  }).join('');
}

/** What each m-line of the server's carried last. @type {WeakMap<RTCRtpTransceiver, string>} */
const carried = new WeakMap();

/**
 * Tells each m-line that the server offers which codecs it carries. Browsers list all
 * that they have in every m-line when they offer in turn, and with a hundred of
 * those that is hundreds of kilobytes.
 *
 * @param {RTCPeerConnection} pc
 * @param {string} sdp  the server's offer, applied
 * @param {LocalTrack[]} locals
 */
export function narrow(pc, sdp, locals) {
  /** @type {Map<string, string>} */
  const codecs = new Map();
  for (const section of sdp.split(/^(?=m=)/m)) {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const names = [...section.matchAll(/^a=rtpmap:\d+ ([^/\s]+)/gm)].map(([, name = '']) => name.toLowerCase());
    if (mid && /^a=send(only|recv)/m.test(section)) codecs.set(mid, [...new Set(names)].join());
  }
  for (const transceiver of pc.getTransceivers()) {
    const names = codecs.get(transceiver.mid ?? '');
    if (!names || names === carried.get(transceiver) || !transceiver.setCodecPreferences) continue;
    if (transceiver.sender?.track || locals.some((local) => local.transceiver === transceiver)) continue;
    const kind = transceiver.receiver.track.kind;
    const all = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
    const wanted = all.filter(({mimeType}) => names.split(',').includes(mimeType.slice(kind.length + 1).toLowerCase()));
    try {
      transceiver.setCodecPreferences(wanted); // none of them: as the browser likes
      carried.set(transceiver, names);
    } catch {
      // The browser doesn't take them: its offers stay long.
    }
  }
}

/**
 * Brings the sender's parameters in line with the track's size and with what is
 * watched. Wanted after every remote description too, which may have changed them.
 *
 * @param {LocalTrack} local
 * @returns {Promise<void>}
 */
export function tune(local) {
  const sender = local.transceiver?.sender;
  if (local.track.kind !== 'video' || !sender?.getParameters) return Promise.resolve();
  const change = (changes.get(sender) ?? Promise.resolve()).then(async () => {
    if (local.transceiver?.sender !== sender) return; // it belongs to another track by now
    const parameters = sender.getParameters();
    const wishes = wished(local);
    let different = false;
    (parameters.encodings ?? []).forEach((encoding, index) => {
      const wish = wishes[index];
      for (const name of tuned) {
        if (wish?.[name] === undefined || wish[name] === (encoding[name] ?? (name === 'active' ? true : undefined))) continue;
        Object.assign(encoding, {[name]: wish[name]});
        different = true;
      }
    });
    if (different) await sender.setParameters(parameters);
  }).catch(() => {}); // the sender was stopped meanwhile, or the browser can't: the layers only cost a little
  changes.set(sender, change);
  return change;
}

/**
 * The encodings of the track as it is now, without those that nobody watches. A
 * layer that is wanted but that the capture is too small for counts as its topmost one.
 *
 * @param {LocalTrack} local
 */
function wished({source, options, track, wanted}) {
  const all = encodings(source, options, sizeOf(track));
  const sent = all.filter((one) => one.active);
  const isWanted = (/** @type {Encoding} */ one) => wanted[one.rid ?? ''] ?? true;
  const above = all.some((one) => !one.active && wanted[one.rid ?? ''] === true);
  return all.map((one) => ({...one, active: one.active === true && (isWanted(one) || (above && one === sent.at(-1)))}));
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

/** What must be equal for an m-line to be used again: what can't be changed once it is negotiated. @param {string} kind @param {Source} source @param {SendOptions} options */
function shape(kind, source, {codec = '', simulcast = true, scalabilityMode = ''}) {
  if (kind === 'audio') return kind;
  return [source, codec.toUpperCase(), simulcast, simulcast && isScalable(codec) && scalabilityMode].join();
}

/** @param {LocalTrack} local */
function shapeOf({track, source, options}) {
  return shape(track.kind, source, options);
}

/** @param {MediaStreamTrack} track @returns {import('./encodings.js').Size} */
function sizeOf(track) {
  const {width, height} = track.getSettings?.() ?? {};
  return width && height ? {width, height} : {};
}

/**
 * Browsers differ in which parameters they refuse, and refuse them all at once:
 * scalability modes are the first that a track can do without.
 *
 * @param {RTCPeerConnection} pc
 * @param {MediaStreamTrack | 'audio' | 'video'} what
 * @param {RTCRtpTransceiverInit} init
 * @param {Encoding[]} layers
 */
function addTransceiver(pc, what, init, layers) {
  if (layers.length > 0) {
    for (const sendEncodings of [layers, layers.map(({scalabilityMode, ...rest}) => rest)]) {
      try {
        return pc.addTransceiver(what, {...init, sendEncodings});
      } catch (error) {
        if (pc.signalingState === 'closed') throw error;
      }
    }
  }
  return pc.addTransceiver(what, init);
}

/**
 * The codecs of a track in the order in which the browser should choose. Sound goes with
 * redundancy (RED) where the browser can: what is lost on the way up comes with the
 * next packet. The server passes it on only to those who need it.
 *
 * @param {RTCRtpTransceiver} transceiver
 * @param {string} kind
 * @param {string} [codec]  of video: only this one; else VP8 first
 */
function preferCodec(transceiver, kind, codec) {
  if (!transceiver.setCodecPreferences) return;
  const all = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
  const is = (/** @type {RTCRtpCodec | undefined} */ one, /** @type {string} */ name) => one?.mimeType.toLowerCase() === `${kind}/${name}`;
  const name = kind === 'audio' ? 'red' : codec?.toLowerCase() ?? 'vp8';
  const wanted = all.filter((one) => is(one, name));
  if (wanted.length === 0) return;
  if (codec && kind === 'video') transceiver.setCodecPreferences([...wanted, ...all.filter((one) => is(one, 'rtx'))]);
  else if (!is(all[0], name)) transceiver.setCodecPreferences([...wanted, ...all.filter((one) => !is(one, name))]);
}

// What runs in the pages: a publisher or a viewer, with the SDK that the server has,
// which keeps what it sees. All times are milliseconds since the epoch. Each function is
// sent to the page as it is, so none uses anything outside itself.

/** Before the page's own scripts: keeps the peer connections, and when the page itself stood still. */
export function record() {
  const now = () => Math.round(performance.timeOrigin + performance.now());
  const seen = window.quality = { now, peers: [], marks: {}, frames: {}, samples: [], stalls: [], errors: [], told: [] };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      seen.peers.push(this);
    }
  };
  let beat = now();
  setInterval(() => {
    if (now() - beat > 200) seen.stalls.push([beat, now()]);
    beat = now();
  }, 50);
  addEventListener('error', event => seen.errors.push(event.message));
  addEventListener('unhandledrejection', event => seen.errors.push(String(event.reason?.message ?? event.reason)));
}

/** Keeps what the browser counts, five times a second. */
export function sample() {
  const kept = ['kind', 'rid', 'mid', 'framesDecoded', 'framesDropped', 'keyFramesDecoded', 'frameHeight', 'freezeCount', 'totalFreezesDuration',
    'packetsReceived', 'packetsLost', 'nackCount', 'pliCount', 'retransmittedPacketsReceived', 'fecPacketsReceived', 'bytesReceived',
    'jitterBufferDelay', 'jitterBufferEmittedCount', 'concealedSamples', 'silentConcealedSamples', 'totalSamplesReceived',
    'framesSent', 'bytesSent', 'packetsSent', 'retransmittedPacketsSent', 'active', 'qualityLimitationReason', 'targetBitrate', 'frames',
    'currentRoundTripTime', 'availableOutgoingBitrate'];
  const seen = window.quality;
  const take = async () => {
    const streams = {};
    for (const [i, pc] of seen.peers.entries()) {
      if (pc.connectionState === 'closed') continue;
      const reports = [...(await pc.getStats()).values()];
      const used = new Set(reports.filter(r => r.type === 'transport').map(r => r.selectedCandidatePairId));
      for (const r of reports) {
        if (!['inbound-rtp', 'outbound-rtp', 'media-source'].includes(r.type) && !used.has(r.id)) continue;
        streams[`${i}:${r.id}`] = { type: r.type, ...Object.fromEntries(kept.filter(k => r[k] !== undefined).map(k => [k, r[k]])) };
      }
    }
    seen.samples.push({ at: seen.now(), streams });
  };
  const loop = () => take().catch(error => seen.errors.push(`statistics: ${error.message}`)).then(() => setTimeout(loop, 200));
  loop();
}

export async function publish({ name, size: [width, height], fps, codec, source }) {
  const seen = window.quality;
  const { join } = await import('/plenum.js');
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate: fps }, audio: true });
  const room = await join(location.origin, { room: 'quality', name });
  if (source === 'screen') {
    await room.publish(new MediaStream(stream.getVideoTracks()), { source: 'screen', codec });
    await room.publish(new MediaStream(stream.getAudioTracks()));
  } else await room.publish(stream, { codec });
  seen.marks.joined = seen.now();
}

/**
 * Watches everyone. A tile has its full size in the layout, which is what the SDK asks
 * for, and is painted at a quarter of it, for the machine's sake.
 */
export async function view({ name, size: [width, height] }) {
  const seen = window.quality;
  const { join } = await import('/plenum.js');
  seen.marks.join = seen.now();
  const room = await join(location.origin, { room: 'quality', name, on: {
    quality: ({ tracks, downlink }) => seen.told.push([seen.now(), tracks, downlink]),
    track: ({ track, kind, participant }) => {
      const element = document.createElement(kind);
      element.autoplay = element.playsInline = true;
      if (kind === 'video') {
        element.muted = true;
        element.style.cssText = `position: absolute; left: 0; top: ${Object.keys(seen.frames).length * 190}px;
          width: ${width}px; height: ${height}px; transform-origin: 0 0; transform: scale(.25)`;
        const frames = seen.frames[participant.name] = [];
        const shown = (_, { height: lines }) => {
          frames.push([seen.now(), lines]);
          element.requestVideoFrameCallback(shown);
        };
        element.requestVideoFrameCallback(shown);
      }
      document.body.append(element);
      room.attach(track, element);
    },
  } });
  seen.marks.joined = seen.now();
}

/** What the page has seen so far, without what can't be sent. */
export function all() {
  const { now, peers, ...rest } = window.quality;
  return { ...rest, now: now() };
}

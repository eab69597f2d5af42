// A page that only watches: it plays everyone through the SDK, each camera in an
// element of 1280×720, and keeps what it saw, with times, for a test to judge
// afterwards. All times are milliseconds since the epoch, as Date.now() says.

/** Opens a viewer of the room and waits until it has joined. */
export async function openViewer(browser, server, room, name) {
  const viewer = await browser.open(`${server.url}/healthz`, name); // any page of the server's origin
  await viewer.evaluate(watch, { room, name });
  await viewer.joined();
  return viewer;
}

/** What the viewer saw so far, see watch(). */
export const seenBy = viewer => viewer.evaluate(() => window.seen);

/** Runs in the page. */
async function watch({ room: roomName, name }) {
  const now = () => performance.timeOrigin + performance.now();
  const seen = window.seen = {
    joined: now(),
    tracks: {},   // id -> {kind, participant, frames: [time], widths: [[time, width]]}
    quality: [],  // [time, {id: layer or null, …}, downlink]
    stats: [],    // [time, {mid: {bytes, concealed, samples, freezes, decoded}}]
    mids: {},     // track id -> mid
    stalls: [],   // [from, to] in which the page itself stood still: the machine was busy
  };
  let beat = now();
  setInterval(() => {
    if (now() - beat > 100) seen.stalls.push([beat, now()]);
    beat = now();
  }, 20);
  const { join } = await import('/plenum.js');
  const room = await join(`${location.origin}/ws`, { room: roomName, name, on: {
    quality: ({ tracks, downlink }) => seen.quality.push(
      [now(), Object.fromEntries(tracks.map(t => [t.id, t.layer?.spatial ?? null])), downlink]),
    track: ({ track, kind, participant }) => {
      const element = document.createElement(kind);
      element.autoplay = element.playsInline = true;
      // The layout, which is what the SDK asks for, has the full size; what is painted is small.
      element.style.cssText = `position: absolute; width: 1280px; height: 720px; transform-origin: 0 0;
        transform: translateY(${document.querySelectorAll('video').length * 190}px) scale(.25)`;
      document.body.append(element);
      const kept = seen.tracks[track.id] = { kind, participant: participant.id, frames: [], widths: [] };
      seen.mids[track.id] = track.mid;
      room.attach(track, element);
      if (kind !== 'video') return;
      const frame = (_, { width }) => {
        const at = now();
        kept.frames.push(at);
        if (kept.widths.at(-1)?.[1] !== width) kept.widths.push([at, width]);
        element.requestVideoFrameCallback(frame);
      };
      element.requestVideoFrameCallback(frame);
    },
  } });
  setInterval(async () => {
    const pc = window.e2e.peers.at(-1);
    const streams = [...(await pc.getStats()).values()].filter(s => s.type === 'inbound-rtp');
    seen.stats.push([now(), Object.fromEntries(streams.map(s => [s.mid, {
      bytes: s.bytesReceived + s.headerBytesReceived,
      concealed: s.concealedSamples, samples: s.totalSamplesReceived,
      freezes: s.totalFreezesDuration, decoded: s.framesDecoded,
    }]))]);
  }, 100);
}

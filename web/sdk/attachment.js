/**
 * @typedef {import('./room.js').Room} Room
 * @typedef {import('./roster.js').RemoteTrack} RemoteTrack
 */

/**
 * Plays someone's track in a video or audio element, and asks the server for just
 * the size at which it is shown, and for nothing while it is out of sight.
 *
 * @param {Room} room
 * @param {RemoteTrack} track
 * @param {HTMLMediaElement} element
 * @param {{priority?: number, signal?: AbortSignal}} [options]
 * @returns {() => void} ends it
 */
export function attach(room, track, element, {priority, signal} = {}) {
  const end = new AbortController();
  let visible = true;
  const play = () => {
    element.srcObject = track.mediaTrack ? new MediaStream([track.mediaTrack]) : null;
  };
  const ask = () => {
    if (track.kind !== 'video') return;
    const scale = globalThis.devicePixelRatio || 1;
    const {clientWidth, clientHeight} = element;
    room.subscribe(track, visible && clientWidth > 0
      ? {width: Math.round(clientWidth * scale), height: Math.round(clientHeight * scale), ...(priority !== undefined && {priority})}
      : {enabled: false});
  };
  play();
  for (const event of /** @type {const} */ (['track', 'track-ended'])) {
    room.on(event, (detail) => { if (detail.track === track) play(); }, {signal: end.signal});
  }
  const resize = globalThis.ResizeObserver && new ResizeObserver(ask);
  const sight = globalThis.IntersectionObserver && new IntersectionObserver((entries) => {
    visible = entries.at(-1)?.isIntersecting ?? true;
    ask();
  });
  resize?.observe(element);
  sight?.observe(element);
  const detach = () => {
    if (end.signal.aborted) return;
    end.abort();
    resize?.disconnect();
    sight?.disconnect();
    element.srcObject = null;
    if (track.kind === 'video') room.subscribe(track, {enabled: false});
  };
  signal?.addEventListener('abort', detach, {once: true, signal: end.signal});
  return detach;
}

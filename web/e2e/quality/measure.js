// From what pages have seen to figures of a window of time. Times are milliseconds since
// the epoch, durations milliseconds unless a name says otherwise. Pure functions.

const sum = list => list.reduce((a, b) => a + b, 0);
const round = (x, digits = 0) => Number.isFinite(x) ? Number(x.toFixed(digits)) : null;

export function quantile(list, share) {
  if (list.length === 0) return null;
  return list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))];
}

/** How much a counter rose in a window, over all streams that match; streams may come and go. */
export function rise(samples, from, to, matches, name) {
  const first = new Map(), last = new Map();
  for (const { at, streams } of samples) {
    if (at > to) break;
    for (const [id, stream] of Object.entries(streams)) {
      if (!matches(stream) || stream[name] === undefined) continue;
      if (at <= from) first.set(id, stream[name]);
      else if (!first.has(id)) first.set(id, 0);
      last.set(id, stream[name]);
    }
  }
  return sum([...last].map(([id, value]) => Math.max(0, value - first.get(id))));
}

/** The times between shown frames in a window, its ends counted. */
export function gaps(frames, from, to) {
  const times = [from, ...frames.map(([at]) => at).filter(at => at > from && at < to), to];
  return times.slice(1).map((at, i) => at - times[i]);
}

const isVideo = s => s.type === 'inbound-rtp' && s.kind === 'video';
const isAudio = s => s.type === 'inbound-rtp' && s.kind === 'audio';
const overlap = (spans, from, to) => sum(spans.map(([a, b]) => Math.max(0, Math.min(b, to) - Math.max(a, from))));

/** The figures of a viewer's window. */
export function figures(viewer, publishers, from, to, pings, base) {
  const rose = (matches, name) => rise(viewer.samples, from, to, matches, name);
  const seconds = (to - from) / 1000;
  const tiles = Object.values(viewer.frames).map(frames => {
    const inside = frames.filter(([at]) => at > from && at < to);
    return { fps: round(inside.length / seconds, 1), longestGap: Math.max(...gaps(frames, from, to)), height: round(sum(inside.map(f => f[1])) / inside.length) };
  });
  const source = sum(publishers.map(p => rise(p.samples, from, to, s => s.type === 'media-source' && s.kind === 'video', 'frames'))) / seconds;
  const queue = pings.filter(([at, ms]) => at >= from && at < to && ms >= 0).map(([, ms]) => ms - base);
  const fps = rose(isVideo, 'framesDecoded') / seconds;
  return {
    freezes: rose(isVideo, 'freezeCount'), frozen: round(rose(isVideo, 'totalFreezesDuration'), 2),
    longestGap: Math.max(0, ...tiles.map(t => t.longestGap)), fps: round(fps, 1), sourceFps: round(source, 1), frames: round(100 * fps / source, 1),
    madeUp: round((rose(isAudio, 'concealedSamples') - rose(isAudio, 'silentConcealedSamples')) / 48),
    video: round(rose(isVideo, 'bytesReceived') * 8 / seconds / 1000), audio: round(rose(isAudio, 'bytesReceived') * 8 / seconds / 1000),
    nacks: rose(isVideo, 'nackCount'), plis: rose(isVideo, 'pliCount'), repeats: rose(isVideo, 'retransmittedPacketsReceived'),
    queue: round(quantile(queue, 0.95)), tiles, stalls: overlap(viewer.stalls, from, to), sent: publishers.map(p => layersSent(p, from, to)),
  };
}

/** What a publisher sends of video, by layer: size, frames a second, kbit/s. */
function layersSent({ samples }, from, to) {
  const layers = {};
  const seconds = (to - from) / 1000;
  for (const stream of Object.values(samples.findLast(s => s.at <= to)?.streams ?? {})) {
    if (stream.type !== 'outbound-rtp' || stream.kind !== 'video') continue;
    const same = s => s.type === 'outbound-rtp' && s.kind === 'video' && s.rid === stream.rid;
    layers[stream.rid ?? '-'] = [stream.frameHeight ?? 0, round(rise(samples, from, to, same, 'framesSent') / seconds), round(rise(samples, from, to, same, 'bytesSent') * 8 / seconds / 1000)];
  }
  return layers;
}

/** How long after `from` the first frame came, null if none did. */
export function moves(frames, from, to) {
  const first = frames.find(([at]) => at >= from && at < to);
  return first ? first[0] - from : null;
}

/** How long after `from` frames of that height come and stay for two seconds, null if never. */
export function reaches(frames, height, from, to) {
  const inside = frames.filter(([at]) => at >= from && at < to);
  for (const [i, [at, lines]] of inside.entries()) {
    if (lines < height) continue;
    const smaller = inside.slice(i).find(f => f[1] < height);
    if ((smaller?.[0] ?? to) - at >= 2000) return at - from;
  }
  return null;
}

// What a viewer's record (viewer.js) says: pure functions of it. Times are
// milliseconds since the epoch, durations milliseconds.

/** The layer of each camera as told by then: {id: spatial layer or null}. */
export function layersAt(seen, at) {
  const layers = {};
  for (const [when, tracks] of seen.quality) {
    if (when > at) break;
    for (const [id, layer] of Object.entries(tracks)) if (seen.tracks[id]?.kind === 'video') layers[id] = layer;
  }
  return layers;
}

/**
 * The first time in [from, to) at which the tracks are as wanted by what was told
 * and what is shown, Infinity if there is none.
 * @param {(tracks: {id: string, layer: number | null, width: number}[]) => boolean} wanted
 */
export function reached(seen, ids, from, to, wanted) {
  const changes = [from, ...seen.quality.map(([at]) => at), ...ids.flatMap(id => seen.tracks[id].widths.map(([at]) => at))];
  const times = changes.filter(at => at >= from && at < to).sort((a, b) => a - b);
  return times.find(at => {
    const layers = layersAt(seen, at);
    return wanted(ids.map(id => ({ id, layer: layers[id], width: seen.tracks[id].widths.findLast(([when]) => when <= at)?.[1] ?? 0 })));
  }) ?? Infinity;
}

/**
 * The longest time between two frames, without the time for which the track was told
 * to be paused or the page itself stood still.
 */
export function longestGap(seen, id, from, to) {
  const excuses = union([...pauses(seen, id, to), ...seen.stalls]);
  const times = [from, ...seen.tracks[id].frames.filter(at => at > from && at < to), to];
  let longest = 0;
  for (let i = 1; i < times.length; i++) {
    longest = Math.max(longest, times[i] - times[i - 1] - overlap(excuses, times[i - 1], times[i]));
  }
  return longest;
}

/** How much of [from, to) lies in spans that don't meet each other. */
function overlap(spans, from, to) {
  return spans.reduce((sum, [begin, end]) => sum + Math.max(0, Math.min(end, to) - Math.max(begin, from)), 0);
}

function union(spans) {
  const list = [];
  for (const [begin, end] of spans.toSorted(([a], [b]) => a - b)) {
    if (list.length > 0 && begin <= list.at(-1)[1]) list.at(-1)[1] = Math.max(list.at(-1)[1], end);
    else list.push([begin, end]);
  }
  return list;
}

function pauses(seen, id, to) {
  const list = [];
  for (const [at, tracks] of seen.quality) {
    if (!(id in tracks)) continue;
    const open = list.length > 0 && list.at(-1)[1] === Infinity;
    if (tracks[id] === null && !open) list.push([at, Infinity]);
    else if (tracks[id] !== null && open) list.at(-1)[1] = at;
  }
  return list.map(([begin, end]) => [begin, Math.min(end, to)]);
}

/** The fewest frames a second shown in any whole second of which the page lived half; 0 where most it did not. */
export function slowestSecond(seen, id, from, to) {
  let fewest = Infinity, judged = 0, all = 0;
  for (let start = from; start + 1000 <= to; start += 1000) {
    const lived = 1000 - overlap(union(seen.stalls), start, start + 1000);
    all++;
    if (lived < 500) continue;
    judged++;
    fewest = Math.min(fewest, seen.tracks[id].frames.filter(at => at >= start && at < start + 1000).length * 1000 / lived);
  }
  return judged > all / 2 ? fewest : 0;
}

const statsOf = (seen, id, from, to) => seen.stats
  .filter(([at, streams]) => at >= from && at <= to && streams[seen.mids[id]])
  .map(([at, streams]) => ({ at, ...streams[seen.mids[id]] }));

/** How many pictures were decoded. */
export function decoded(seen, id, from, to) {
  const list = statsOf(seen, id, from, to);
  return list.at(-1).decoded - list[0].decoded;
}

/** How much of an audio track's sound was made up by the browser, for packets were missing: 0 to 1. */
export function concealedShare(seen, id, from, to) {
  const list = statsOf(seen, id, from, to);
  return (list.at(-1).concealed - list[0].concealed) / (list.at(-1).samples - list[0].samples);
}

/** The most sound in ms that was made up within about 400 ms. */
export function longestConcealment(seen, id, from, to) {
  const list = statsOf(seen, id, from, to);
  let most = 0;
  for (let i = 0, j = 0; j < list.length; j++) {
    while (list[j].at - list[i].at > 450) i++;
    most = Math.max(most, (list[j].concealed - list[i].concealed) / 48);
  }
  return most;
}

/** What came in all, in bit/s. */
export function rateAt(seen, from, to) {
  let bits = 0;
  for (const mid of new Set(Object.values(seen.mids))) {
    const list = seen.stats.filter(([at, streams]) => at >= from && at <= to && streams[mid]);
    if (list.length > 1) bits += 8 * (list.at(-1)[1][mid].bytes - list[0][1][mid].bytes) / (list.at(-1)[0] - list[0][0]) * 1000;
  }
  return bits;
}

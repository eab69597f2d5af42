/**
 * @typedef {import('./call.js').CallState} CallState
 */

/**
 * Everything that someone who looks into a bad call wants to know, as text for a
 * bug report. No names and no secrets: what people said and are called is not in it.
 *
 * @param {CallState} call
 * @param {string} browser  navigator.userAgent
 */
export function report({room, trouble, devices, view}, browser) {
  const latest = trouble.samples.at(-1);
  return JSON.stringify({
    time: new Date().toISOString(),
    browser,
    room: room.name,
    participant: room.localId,
    state: room.state,
    people: room.participants.size + 1,
    view,
    devices: Object.fromEntries(Object.entries(devices).map(([kind, list]) => [kind, list.length])),
    path: latest?.path ?? '',
    tracks: latest?.tracks ?? [],
    // What the server forwards, by m-line, and why not more.
    quality: Object.fromEntries([...room.participants.values()].flatMap((one) => [...one.tracks.values()])
      .flatMap(({mid, quality}) => (mid && quality ? [[mid, quality]] : []))),
    weak: trouble.quality.weak,
    history: trouble.samples.map(({sent, received, loss, rtt, uplink, downlink}) => ({
      sent: Math.round(sent), received: Math.round(received), loss: Number(loss.toFixed(4)), rtt, uplink, downlink,
    })),
  }, null, 2);
}

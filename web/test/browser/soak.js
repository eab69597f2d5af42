/**
 * A long call: does the page's memory stay flat? Usage: node soak.js [MINUTES]
 * Somebody toggles, shares, comes and goes all the time; after each round the heap
 * is collected and measured. Fails where the last quarter holds more than the second.
 */
import {setTimeout as pause} from 'node:timers/promises';
import {joinAs, open, startBrowser, startServer} from './harness.js';

const minutes = Number(process.argv[2] ?? 30);
const server = await startServer(['--log-level', 'debug']);

/** Runs in the pages: keeps the latest messages, for when something does not come. */
function keepMessages() {
  window.wire = [];
  const keep = (direction, data) => {
    window.wire.push(`${Math.round(performance.now())} ${direction} ${String(data).slice(0, 400)}`);
    if (window.wire.length > 60) window.wire.shift();
  };
  window.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener('message', ({data}) => keep('<', data));
    }

    send(data) {
      keep('>', data);
      super.send(data);
    }
  };
}

/** What a page knows when something has not come. */
const state = (page) => page.evaluate(async () => {
  const {connection} = window.plenum.room;
  const stats = [...(await connection.getStats()).values()].filter(({type, kind}) => type === 'inbound-rtp' && kind === 'video');
  return {
    now: Math.round(performance.now()), room: window.plenum.room.state, connection: connection.connectionState, signaling: connection.signalingState,
    transceivers: connection.getTransceivers().map(({mid, direction, currentDirection, receiver: {track}}) => ({mid, direction, currentDirection, kind: track.kind, muted: track.muted})),
    inbound: stats.map(({mid, packetsReceived, framesReceived, framesDecoded, keyFramesDecoded, pliCount, nackCount}) => ({mid, packetsReceived, framesReceived, framesDecoded, keyFramesDecoded, pliCount, nackCount})),
    tracks: [...window.plenum.room.participants.values()].flatMap(({name, tracks}) => [...tracks.values()].map(({id, source, mid, muted, mediaTrack}) => ({name, id, source, mid, muted, media: mediaTrack?.readyState}))),
    tiles: [...document.querySelectorAll('.tile')].map((tile) => [tile.className, tile.getAttribute('aria-label')]), wire: window.wire,
  };
}).catch(String);
const browser = await startBrowser();
const room = server.room('soak');
const ada = await joinAs(await open(browser, room, {init: keepMessages}), 'Ada');
const bob = await joinAs(await open(browser, room, {init: keepMessages}), 'Bob');
// Nothing here is about speed: a busy machine may take its time.
for (const page of [ada, bob]) page.setDefaultTimeout(300_000);
const session = await ada.context().newCDPSession(ada);
/** Waits without a handle on the element, which would keep it in memory. */
const sees = async (selector, wanted = 'visible') => {
  const asked = performance.now();
  try {
    await ada.locator(selector).waitFor({state: wanted});
  } catch (error) {
    console.log(JSON.stringify({selector, ada: await state(ada), bob: await state(bob)}, null, 1));
    console.log(server.log.slice(-60_000));
    throw error;
  }
  const seconds = (performance.now() - asked) / 1000;
  if (seconds > 10) console.log(`${selector} took ${seconds.toFixed(1)} s`);
};
const samples = [];
const begin = Date.now();
const end = begin + minutes * 60_000;
while (Date.now() < end) {
  await bob.click('#toggle-screen');
  await sees('.tile.large.video');
  await bob.click('#toggle-screen');
  await sees('.tile.large', 'detached');
  await bob.click('#toggle-camera');
  await bob.click('#toggle-mic');
  if (!await bob.isVisible('#chat')) await bob.click('#toggle-chat');
  await bob.fill('#chat-input', `message ${samples.length}`);
  await bob.press('#chat-input', 'Enter');
  await bob.click('#toggle-camera');
  await bob.click('#toggle-mic');
  await bob.click('#leave');
  await sees('.tile[aria-label^="Bob"]', 'detached');
  await bob.click('#join');
  await sees('.tile[aria-label^="Bob"].video');
  await session.send('HeapProfiler.collectGarbage');
  const {usedSize} = await session.send('Runtime.getHeapUsage');
  const {nodes, jsEventListeners} = await session.send('Memory.getDOMCounters');
  samples.push({usedSize, nodes, jsEventListeners});
  if (samples.length % 10 === 1) console.log(`${((Date.now() - begin) / 60_000).toFixed(1)} min, round ${samples.length}: ${(usedSize / 1e6).toFixed(2)} MB, ${nodes} nodes, ${jsEventListeners} listeners`);
  await pause(6000);
}
await browser.close();
await server.stop();
const median = (list, key) => list.map((one) => one[key]).sort((a, b) => a - b)[Math.floor(list.length / 2)];
const quarter = Math.floor(samples.length / 4);
const early = samples.slice(quarter, 2 * quarter);
const late = samples.slice(-quarter);
// The plots' samples and the chat's messages are bounded, but fill up at first.
for (const [key, slack] of [['usedSize', 1.15], ['nodes', 1.5], ['jsEventListeners', 1.15]]) {
  const [before, after] = [median(early, key), median(late, key)];
  console.log(`${key}: ${before} in the second quarter, ${after} in the last, of ${samples.length} rounds`);
  if (after > slack * before) process.exitCode = 1;
}
if (quarter === 0) process.exitCode = 1;

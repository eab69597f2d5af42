/**
 * A long call: does the page's memory stay flat? Usage: node soak.js [MINUTES]
 * Somebody toggles, shares, comes and goes all the time; after each round the heap
 * is collected and measured. Fails where the last quarter holds more than the second.
 */
import {joinAs, open, startBrowser, startServer} from './harness.js';

const minutes = Number(process.argv[2] ?? 30);
const server = await startServer();
const browser = await startBrowser();
const ada = await joinAs(await open(browser, server.room('soak')), 'Ada');
const bob = await joinAs(await open(browser, server.room('soak')), 'Bob');
const session = await ada.context().newCDPSession(ada);
/** Waits without a handle on the element, which would keep it in memory. */
const sees = (selector, state = 'visible') => ada.locator(selector).waitFor({state, timeout: 60_000});
const samples = [];
const end = Date.now() + minutes * 60_000;
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
  if (samples.length % 10 === 1) console.log(`round ${samples.length}: ${(usedSize / 1e6).toFixed(2)} MB, ${nodes} nodes, ${jsEventListeners} listeners`);
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

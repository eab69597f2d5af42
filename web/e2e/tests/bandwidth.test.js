// A viewer whose downlink becomes narrow and wide again: what he hears and sees of
// three publishers of 720p, while another viewer's link is open all the time.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { startBot } from '../harness/bot.js';
import { startChromium } from '../harness/browsers.js';
import { Network, noNamespaces } from '../harness/network.js';
import { startServer } from '../harness/server.js';
import { during, until } from '../harness/until.js';
import { openViewer, seenBy } from '../harness/viewer.js';
import { concealedShare, layersAt, longestConcealment, longestGap, rateAt, reached, slowestSecond } from '../harness/watching.js';

const wide = 5000, narrow = 700; // kbit/s
const fps = 15;
const top = 2; // the layer of 1280×720

describe('the downlink', { skip: noNamespaces() }, () => {
  let network, server, near, far, ada, bob;
  const publishers = [];

  before(async () => {
    network = new Network();
    server = await startServer({ host: network.host, flags: ['--media-address', network.host] });
    for (const name of ['Cleo', 'Dora', 'Emil']) {
      // Key frames come on request only, as from a browser.
      publishers.push(await startBot(server.url, 'downlink', name, { flags: ['-simulcast', '-deaf', '-keyframes', '0', '-fps', String(fps)] }));
    }
    far = await startChromium({ executable: network.wrap('/usr/bin/chromium'), secureOrigin: server.url });
    near = await startChromium({ secureOrigin: server.url });
    bob = await openViewer(near, server, 'downlink', 'Bob');
  });
  after(async () => {
    await far?.close();
    await near?.close();
    for (const p of publishers) await p.leave();
    await server?.stop('bandwidth');
    network?.close();
  });
  afterEach(() => ada?.close());

  /** What the viewer sees of each camera now: {id: layer}. */
  const layers = async viewer => layersAt(await seenBy(viewer), Date.now());
  /** Which of equals gets the large picture is nobody's promise: it is counted how many do. */
  const quality = layers => layers.reduce((sum, layer) => sum + (layer ?? -1), 0);
  const allAt = (seen, count, layer) => Object.keys(seen).length === count && Object.values(seen).every(l => l === layer);
  /** Waits until the viewer gets what is wanted, and says why where that doesn't come. */
  async function settled(t, viewer, wanted, what) {
    try {
      await until(async () => wanted(await layers(viewer)), { within: 30000, what, seen: () => layers(viewer) });
    } catch (error) {
      t.diagnostic(await explain(viewer));
      throw error;
    }
    return Date.now();
  }
  const explain = async viewer => JSON.stringify(await server.explain(viewer.id));
  /** Runs checks of viewers, and says why the server sent what it sent where one fails. */
  async function judge(t, checks, explanations) {
    try {
      checks();
    } catch (error) {
      for (const [name, text] of Object.entries(explanations)) t.diagnostic(`${name}: ${text}`);
      throw error;
    }
  }

  it('becomes narrow and wide again, and nothing breaks', async t => {
    await settled(t, bob, seen => allAt(seen, 3, top), 'the open link has all at full size');
    network.limit(wide);
    const joining = Date.now();
    ada = await openViewer(far, server, 'downlink', 'Ada');
    const full = await settled(t, ada, seen => Object.values(seen).filter(l => l === top).length >= 2, 'two of three at full size');
    await during(8000, 8000, () => {});
    // To start a browser makes the machine stand still, which looks like a full link.
    await settled(t, bob, seen => allAt(seen, 3, top), 'the open link has all at full size again');
    const steady = Date.now();
    const before = await layers(ada);
    const explanations = { wide: await explain(ada) };

    network.limit(narrow);
    const cut = Date.now();
    await during(15000, 15000, () => {});
    explanations.narrow = await explain(ada);
    const drops = network.limited();
    network.limit(wide);
    const back = Date.now();
    await during(12000, 12000, () => {});
    const end = Date.now();
    explanations.end = await explain(ada);
    explanations.open = await explain(bob);
    const [seen, open] = [await seenBy(ada), await seenBy(bob)];

    const cameras = Object.keys(seen.tracks).filter(id => seen.tracks[id].kind === 'video');
    const microphones = Object.keys(seen.tracks).filter(id => seen.tracks[id].kind === 'audio');
    const measured = {
      settled: full - joining, before,
      fell: reached(seen, cameras, cut, back, tracks => tracks.every(t => t.layer === null || t.layer === 0 && t.width === 320)) - cut,
      narrow: layersAt(seen, back),
      narrowRate: Math.round(rateAt(seen, cut + 3000, back) / 1000), drops,
      returned: reached(seen, cameras, back, end, tracks => tracks.every(t => t.width === 320 << t.layer) && quality(tracks.map(t => t.layer)) >= quality(Object.values(before))) - back,
      gaps: cameras.map(id => Math.round(longestGap(seen, id, full, end))),
      concealed: microphones.map(id => concealedShare(seen, id, full, end)),
      silences: microphones.map(id => Math.round(longestConcealment(seen, id, full, end))),
      openGaps: cameras.map(id => Math.round(longestGap(open, id, steady, end))),
      openSlowest: cameras.map(id => slowestSecond(open, id, steady, end)),
    };
    t.diagnostic(JSON.stringify(measured));
    t.diagnostic(JSON.stringify(seen.quality.filter(([at]) => at >= full).map(([at, ...rest]) => [Math.round(at - cut), ...rest])));
    const openChanges = open.quality.filter(([at]) => at >= steady).map(([at, ...rest]) => [Math.round(at - cut), ...rest]);
    t.diagnostic(`on the open link: ${JSON.stringify(openChanges)}`);

    await judge(t, () => {
      for (const share of measured.concealed) assert.ok(share < 0.03, `${(share * 100).toFixed(1)} % of the sound was made up`);
      // The narrow link's queue holds 200 ms, and is full before anybody can know: so
      // much of sound, and a bit, is missing once.
      for (const ms of measured.silences) assert.ok(ms <= 300, `${ms} ms of sound were made up at a time`);
      // An 8 kB bucket lets a probe pass now and then, and the picture that was raised for it
      // then waits for the queue, its repairs and a keyframe; longer would be a timer's doing.
      for (const ms of measured.gaps) assert.ok(ms <= 3000, `a picture stood still for ${ms} ms`);
      // A browser on a busy machine reports late what arrived.
      assert.ok(measured.fell <= 4000, `${measured.fell} ms until small pictures`);
      assert.ok(measured.narrowRate <= narrow, `${measured.narrowRate} kbit/s through ${narrow}`);
      assert.ok(Object.values(measured.narrow).every(l => l === null || l === 0), `${JSON.stringify(measured.narrow)} while narrow`);
      assert.ok(measured.returned <= 10000, `${measured.returned} ms until pictures are as before`);
      // Who has an open link doesn't notice.
      for (const ms of measured.openGaps) assert.ok(ms <= 500, `on the open link a picture stood still for ${ms} ms`);
      for (const n of measured.openSlowest) assert.ok(n >= 0.6 * fps, `on the open link only ${n} frames in a second`);
      assert.ok(allAt(layersAt(open, steady), 3, top), 'the open link has all at full size');
      for (const [at, changed] of open.quality) {
        assert.ok(at < steady || Object.values(changed).every(l => l === top), `on the open link ${JSON.stringify(changed)}`);
      }
    }, explanations);
  });

  it('loses 5 % at random, which is no reason to send less', async t => {
    network.unlimit();
    ada = await openViewer(far, server, 'downlink', 'Ada');
    await settled(t, ada, seen => allAt(seen, 3, top), 'all at full size');
    await during(4000, 4000, () => {});
    const estimate = async () => (await seenBy(ada)).quality.findLast(([, , downlink]) => downlink > 0)?.[2];
    const before = await estimate();
    network.lose(5, []);
    const start = Date.now();
    await during(10000, 10000, () => {});
    const end = Date.now();
    const seen = await seenBy(ada);
    const explanations = { lossy: await explain(ada) };
    network.heal();
    // While the rule is being set, the machine stands still for tens of milliseconds.
    const lowest = Math.min(...seen.quality.filter(([at]) => at >= start + 1000).map(([, , downlink]) => downlink), before);
    const cameras = Object.keys(seen.tracks).filter(id => seen.tracks[id].kind === 'video');
    t.diagnostic(JSON.stringify({ before, lowest, gaps: cameras.map(id => Math.round(longestGap(seen, id, start, end))) }));
    await judge(t, () => {
      assert.ok(lowest >= 0.8 * before, `the estimate fell from ${before} to ${lowest} bit/s`);
      for (const [at, changed] of seen.quality) {
        assert.ok(at < start || Object.values(changed).every(l => l === top), `${JSON.stringify(changed)} under loss`);
      }
    }, explanations);
  });
});

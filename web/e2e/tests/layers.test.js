// Layers, from the encoder of who sends to the tile of who looks: small tiles get
// small pictures, what nobody sees is not sent, what nobody watches is not encoded,
// and a switch of layers never shows a broken picture.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startChromium } from '../harness/browsers.js';
import { startServer } from '../harness/server.js';
import { during, until } from '../harness/until.js';

const hd = { width: 1280, height: 720, frameRate: 15 };

/** A page of the server's without the app, for the SDK alone: no camera runs in it. */
const open = (chromium, server, name) => chromium.open(server.room('x').replace('/r/x', '/healthz'), name);

/** A page that watches a room through the SDK in one element, whose size the test sets. */
async function watch(chromium, server, room, publisher) {
  const viewer = await open(chromium, server, 'Viewer');
  await viewer.evaluate(async (name) => {
    const { join } = await import('/plenum.js');
    document.body.innerHTML = '<div id="scroller" style="height: 600px; overflow: auto"><video id="seen" muted autoplay style="display: block; width: 160px; height: 90px"></video><div style="height: 3000px"></div></div>';
    window.seen = document.querySelector('#seen');
    window.room = await join('/ws', { room: name, name: 'Viewer' });
    window.room.on('quality', ({ tracks }) => {
      for (const { track, layer, reason } of tracks) if (track?.kind === 'video') window.quality = { layer, reason };
    });
    window.room.on('track', ({ track }) => {
      if (track.kind === 'video') window.detach = window.room.attach(track, window.seen);
    });
  }, room);
  await viewer.joined();
  viewer.resize = (width, height) => viewer.evaluate(([w, h]) => Object.assign(window.seen.style, { width: `${w}px`, height: `${h}px` }), [width, height]);
  viewer.scroll = top => viewer.evaluate(y => { document.querySelector('#scroller').scrollTop = y; }, top);
  viewer.video = () => viewer.from(publisher.id, 'video');
  /** Waits until the picture has that width, and returns how long it took. */
  viewer.getsWidth = async fits => {
    const start = performance.now();
    await until(async () => fits((await viewer.video())?.frameWidth), {
      every: 30, what: `a picture that fits ${fits}`,
      seen: async () => [await viewer.video(), await viewer.evaluate(() => window.quality), await layersOf(publisher)],
    });
    return performance.now() - start;
  };
  return viewer;
}

/** The sender's layers by rid. */
async function layersOf(publisher) {
  const { outbound } = await publisher.view();
  return Object.fromEntries(outbound.filter(s => s.kind === 'video').map(s => [s.rid ?? '', s]));
}

describe('layers', () => {
  let server, chromium;

  before(async () => {
    server = await startServer();
    chromium = await startChromium();
  });
  after(async () => {
    await chromium?.close();
    await server?.stop('layers');
  });

  describe('of simulcast', () => {
    let publisher, viewer;

    before(async () => {
      publisher = await chromium.open(`${server.room('simulcast')}?video=1280x720`, 'Publisher', { video: hd });
      await publisher.joinApp();
      viewer = await watch(chromium, server, 'simulcast', publisher);
      await viewer.seesVideo(publisher.id);
    });
    after(() => Promise.all([publisher?.close(), viewer?.close()]));

    it('a thumbnail gets the small one, a large tile the big one', async t => {
      await viewer.getsWidth(w => w === 320);
      await viewer.resize(1280, 720);
      // The publisher's own estimate of its uplink has to rise before it sends that much.
      const up = await viewer.getsWidth(w => w === 1280);
      await viewer.resize(160, 90);
      const down = await viewer.getsWidth(w => w === 320);
      await viewer.resize(640, 360);
      const middle = await viewer.getsWidth(w => w === 640);
      t.diagnostic(`320 → 1280 in ${Math.round(up)} ms, 1280 → 320 in ${Math.round(down)} ms, 320 → 640 in ${Math.round(middle)} ms`);
    });

    it('each has three frame rates', async () => {
      const seen = async () => (await server.explain(publisher.id)).tracks.find(track => track.kind === 'video').layers.filter(layer => layer.live);
      await until(async () => {
        const live = await seen();
        return live.length > 0 && live.length % 3 === 0 && live.some(({ temporal }) => temporal === 2)
          && live.every(({ fps, spatial, temporal }) => temporal === 0 || fps > live.find(l => l.spatial === spatial && l.temporal === temporal - 1)?.fps);
      }, { what: 'three temporal layers of each', seen });
    });

    it('the encoder stops those that nobody watches, and starts them again', async () => {
      await viewer.resize(160, 90);
      await viewer.getsWidth(w => w === 320);
      await until(async () => {
        const layers = await layersOf(publisher);
        return layers.q.active && !layers.h.active && !layers.f.active;
      }, { what: 'only q is active', seen: () => layersOf(publisher) });
      await viewer.seesFrames(publisher.id, 3); // what was being encoded is done
      const only = await layersOf(publisher);
      await viewer.seesFrames(publisher.id, 15);
      const later = await layersOf(publisher);
      assert.equal(later.f.framesEncoded, only.f.framesEncoded);
      assert.equal(later.h.framesEncoded, only.h.framesEncoded);
      assert.ok(later.q.framesEncoded > only.q.framesEncoded);
      await viewer.resize(1280, 720);
      await viewer.getsWidth(w => w === 1280);
      assert.ok((await layersOf(publisher)).f.framesEncoded > later.f.framesEncoded);
    });

    it('a negotiation does not start unwatched ones', async () => {
      await viewer.resize(160, 90);
      await until(async () => {
        const layers = await layersOf(publisher);
        return layers.q.active && !layers.h.active && !layers.f.active;
      }, { what: 'only q is active', seen: () => layersOf(publisher) });
      await viewer.seesFrames(publisher.id, 3);
      const before = await layersOf(publisher);
      const steps = () => publisher.evaluate(() => window.e2e.steps.filter(step => step === 'remote answer: stable').length);
      const negotiated = await steps();
      await publisher.evaluate(() => {
        const { stream } = new AudioContext().createMediaStreamDestination();
        window.plenum.room.publish(stream, { source: 'screen-audio' });
      });
      await until(async () => await steps() > negotiated, { what: 'another answer' });
      await viewer.seesFrames(publisher.id, 10);
      const after = await layersOf(publisher);
      assert.deepEqual([after.h.framesEncoded, after.f.framesEncoded], [before.h.framesEncoded, before.f.framesEncoded]);
      assert.deepEqual([after.q.active, after.h.active, after.f.active], [true, false, false]);
    });

    it('what is scrolled away stops, and comes back', async t => {
      await viewer.resize(320, 180);
      await viewer.seesFrames(publisher.id, 5);
      await viewer.scroll(2000);
      const quality = () => viewer.evaluate(() => window.quality);
      await until(async () => (await quality())?.layer === null, { what: 'the server says that it stops', seen: quality });
      assert.deepEqual(await quality(), { layer: null, reason: 'subscription' });
      let last;
      await until(async () => {
        const before = last;
        last = (await viewer.video()).packetsReceived;
        return before === last;
      }, { every: 700, what: 'no packets come', seen: () => viewer.video() });
      const start = performance.now();
      await viewer.scroll(0);
      await viewer.seesFrames(publisher.id, 1);
      t.diagnostic(`back after ${Math.round(performance.now() - start)} ms`);
    });
  });

  for (const codec of ['VP9', 'AV1']) {
    it(`of ${codec} within one stream are viewed low and full`, async t => {
      const room = `svc-${codec}`;
      const publisher = await chromium.open(`${server.room(room)}?video=1280x720&codec=${codec}`, codec, { video: hd });
      await publisher.joinApp();
      const viewer = await watch(chromium, server, room, publisher);
      await viewer.seesVideo(publisher.id);
      await viewer.getsWidth(w => w === 320);
      await viewer.resize(1280, 720);
      const up = await viewer.getsWidth(w => w === 1280);
      await viewer.resize(160, 90);
      const down = await viewer.getsWidth(w => w === 320);
      const { codec: seen } = await viewer.seesFrames(publisher.id, 5);
      assert.equal(seen, `video/${codec}`);
      t.diagnostic(`up in ${Math.round(up)} ms, down in ${Math.round(down)} ms`);
      await publisher.close();
      await viewer.close();
    });
  }

  it('a switch never shows a broken picture', async t => {
    // Each frame is a number in black and white: of its 16 × 9 fields a fourth each
    // shows one bit, and a fourth their parity. Where a decoder works on a wrong
    // reference, fields of one bit differ or the parity is wrong.
    const publisher = await open(chromium, server, 'Pattern');
    await publisher.evaluate(async () => {
      const { join } = await import('/plenum.js');
      const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
      const context = canvas.getContext('2d');
      let frame = 0;
      setInterval(() => {
        frame = (frame + 1) % 8;
        const bits = [frame & 1, (frame >> 1) & 1, frame >> 2];
        bits.push(bits[0] ^ bits[1] ^ bits[2]);
        for (let y = 0; y < 9; y++) {
          for (let x = 0; x < 16; x++) {
            context.fillStyle = bits[(x + y) % 4] ? '#e0e0e0' : '#202020';
            context.fillRect(x * 80, y * 80, 80, 80);
          }
        }
      }, 100);
      const room = await join('/ws', { room: 'pattern', name: 'Pattern' });
      room.publish(canvas.captureStream(15));
    });
    await publisher.joined();
    const viewer = await watch(chromium, server, 'pattern', publisher);
    await viewer.seesVideo(publisher.id);
    await viewer.evaluate(() => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 160, height: 90 });
      const context = canvas.getContext('2d', { willReadFrequently: true });
      window.checked = { frames: 0, broken: 0, widths: {}, codes: {} };
      const check = (_, { width }) => {
        context.drawImage(window.seen, 0, 0, 160, 90);
        const { data } = context.getImageData(0, 0, 160, 90);
        const levels = [[], [], [], []];
        for (let y = 0; y < 9; y++) for (let x = 0; x < 16; x++) levels[(x + y) % 4].push(data[4 * ((y * 10 + 5) * 160 + x * 10 + 5)]);
        const bits = levels.map(all => all.filter(v => v > 128).length / all.length);
        window.checked.frames++;
        if (bits.some(share => share > 0 && share < 1) || bits.reduce((a, b) => a + b) % 2) window.checked.broken++;
        else window.checked.codes[bits.join('')] = 1;
        window.checked.widths[width] = (window.checked.widths[width] ?? 0) + 1;
        window.seen.requestVideoFrameCallback(check);
      };
      window.seen.requestVideoFrameCallback(check);
    });
    const sizes = [[1280, 720, 1280], [160, 90, 320], [640, 360, 640]];
    for (let round = 0; round < 4; round++) {
      for (const [width, height, wanted] of sizes) {
        await viewer.resize(width, height);
        await viewer.getsWidth(w => w === wanted);
      }
    }
    await until(() => viewer.evaluate(() => window.checked.frames > 50), { what: 'enough frames are checked, however fast the switches were' });
    const { frames, broken, widths, codes } = await viewer.evaluate(() => window.checked);
    const video = await viewer.video();
    t.diagnostic(`${frames} frames checked, ${broken} broken, by width ${JSON.stringify(widths)}, ${video.pliCount} PLIs, ${video.framesDropped} dropped, ${video.freezeCount} freezes of ${video.totalFreezesDuration} s`);
    assert.ok(Object.keys(widths).length >= 3 && Object.keys(codes).length >= 4);
    assert.equal(broken, 0);
    assert.ok(video.pliCount <= 3, `the decoder asked ${video.pliCount} times`);
    assert.ok(video.framesDropped <= frames / 10, `${video.framesDropped} frames were dropped`);
    assert.ok(video.freezeCount <= 4 * sizes.length, `${video.freezeCount} freezes`);
    await publisher.close();
    await viewer.close();
  });
});

// Each video codec that Chromium can send goes through the server untouched, and
// people with different codecs meet in one room.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startChromium } from '../harness/browsers.js';
import { startServer } from '../harness/server.js';

describe('video codecs', () => {
  let server, chromium, viewer;

  before(async () => {
    server = await startServer();
    chromium = await startChromium();
    viewer = await chromium.open(server.room('codecs'), 'Viewer');
    await viewer.joinApp();
  });
  after(async () => {
    await chromium?.close();
    await server?.stop('codecs');
  });

  for (const codec of ['VP8', 'VP9', 'H264', 'AV1']) {
    it(`${codec} is sent, forwarded and decoded`, async () => {
      const sender = await chromium.open(`${server.room('codecs')}?codec=${codec}`, codec);
      await sender.joinApp();
      const video = await viewer.seesFrames(sender.id, 20);
      assert.equal(video.codec, `video/${codec}`);
      const back = await sender.seesFrames(viewer.id, 10);
      assert.equal(back.codec, 'video/VP8');
      const metric = await server.metrics();
      assert.equal(metric('plenum_tracks', { kind: 'video', codec }), codec === 'VP8' ? 2 : 1);
      await sender.close();
    });
  }
});

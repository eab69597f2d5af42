// A call of the app, from the first join to the shutdown of the server, with one set
// of participants: each test goes on where the one before ended.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { camera, startChromium } from '../harness/browsers.js';
import { startServer } from '../harness/server.js';
import { during, until } from '../harness/until.js';

describe('a call of the app', () => {
  let server, chromium, ada, bob, cem, dot;

  const open = name => chromium.open(server.room('call'), name);
  const others = person => [ada, bob, cem, dot].filter(p => p && p !== person);
  const tileOf = async (viewer, participant, source) =>
    (await viewer.tiles()).find(t => t.participant === participant && t.source === source);

  before(async () => {
    server = await startServer({ flags: ['--drain-timeout', '3s'] });
    chromium = await startChromium();
    [ada, bob, cem] = await Promise.all(['Ada', 'Bob', 'Cem'].map(open));
    for (const person of [ada, bob, cem]) await person.joinApp();
    for (const viewer of [ada, bob, cem]) {
      for (const other of others(viewer)) await viewer.seesVideo(other.id);
    }
  });
  after(async () => {
    await chromium?.close();
    await server?.stop('call');
  });

  it('three people see and hear each other', async () => {
    for (const viewer of [ada, bob, cem]) {
      for (const other of others(viewer)) {
        await viewer.seesFrames(other.id, 15);
        await viewer.hears(other.id);
      }
    }
  });

  it('the picture arrives in the size that the camera has', async () => {
    for (const viewer of [ada, bob, cem]) {
      for (const other of others(viewer)) {
        await until(async () => {
          const video = await viewer.from(other.id, 'video');
          return video.frameWidth === camera.width && video.frameHeight === camera.height;
        }, { within: 90000, what: `${viewer.name} gets ${other.name} at full size`, seen: () => viewer.summary() });
      }
    }
  });

  it('camera and microphone of a person share a stream, named after the person', async () => {
    const { inbound } = await ada.view();
    for (const other of others(ada)) {
      const kinds = inbound.filter(s => s.live && s.stream === other.id).map(s => s.kind).sort();
      assert.deepEqual(kinds, ['audio', 'video']);
    }
  });

  it('everyone has a tile that shows something', async () => {
    for (const viewer of [ada, bob, cem]) {
      for (const other of others(viewer)) {
        await until(async () => (await tileOf(viewer, other.id, 'camera'))?.width > 0,
          { what: `${viewer.name} has a tile of ${other.name}`, seen: () => viewer.tiles() });
      }
    }
  });

  it('the media is encrypted with AES-GCM', async () => {
    assert.match((await ada.view()).srtp, /GCM/);
  });

  it('someone who joins late sees everyone, and is seen', async t => {
    dot = await open('Dot');
    await dot.joinApp();
    for (const other of others(dot)) await dot.seesVideo(other.id);
    const delays = await until(async () => {
      const { inbound } = await dot.view();
      const { answeredAt, firstFrames } = await dot.evaluate(() => window.e2e);
      const all = others(dot).map(other =>
        firstFrames[inbound.find(s => s.kind === 'video' && s.stream === other.id).track] - answeredAt);
      return all.every(Number.isFinite) && all;
    }, { what: 'a first frame of everyone' });
    t.diagnostic(`first frames ${delays.map(Math.round)} ms after the answer`);
    for (const other of others(dot)) await other.seesFrames(dot.id, 5);
    for (const other of others(dot)) await dot.hears(other.id);
  });

  it('a shared screen appears beside the camera, and goes', async () => {
    await ada.click('#toggle-screen');
    for (const viewer of others(ada)) {
      const screen = await viewer.seesFrames(`${ada.id}.screen`, 10);
      assert.ok(screen.frameWidth > 0);
      await until(async () => (await tileOf(viewer, ada.id, 'screen'))?.width > 0,
        { what: `${viewer.name} has a tile of the screen`, seen: () => viewer.tiles() });
      assert.ok(await tileOf(viewer, ada.id, 'camera'), 'the camera tile is still there');
    }
    await ada.click('#toggle-screen');
    for (const viewer of others(ada)) {
      await until(async () => !await tileOf(viewer, ada.id, 'screen'),
        { what: `the tile of the screen goes at ${viewer.name}`, seen: () => viewer.tiles() });
      await viewer.seesFrames(ada.id, 5);
    }
  });

  it('who mutes is silent and shown as muted, and can unmute', async () => {
    const muted = async viewer => {
      const changes = (await viewer.messages('participant')).map(m => m.participant).filter(p => p.id === bob.id);
      return changes.at(-1)?.tracks.find(t => t.source === 'microphone')?.muted;
    };
    await bob.click('#toggle-mic');
    for (const viewer of others(bob)) {
      await until(() => muted(viewer), { what: `${viewer.name} is told that Bob muted` });
    }
    await until(async () => { // what is still in the jitter buffer may be heard
      const before = (await ada.from(bob.id, 'audio')).totalAudioEnergy;
      await during(1500, 500, () => {});
      return (await ada.from(bob.id, 'audio')).totalAudioEnergy - before < 0.001;
    }, { what: 'Bob is silent' });
    await ada.seesFrames(bob.id, 5);
    await bob.click('#toggle-mic');
    for (const viewer of others(bob)) {
      await until(async () => await muted(viewer) === false, { what: `${viewer.name} is told that Bob unmuted` });
      await viewer.hears(bob.id);
    }
  });

  it('a camera can be turned off and on again', async () => {
    await bob.click('#toggle-camera');
    await until(async () => {
      const before = (await ada.from(bob.id, 'video'))?.framesDecoded;
      await during(1500, 500, () => {});
      return (await ada.from(bob.id, 'video'))?.framesDecoded === before;
    }, { what: 'the picture stands' });
    await ada.hears(bob.id);
    await bob.click('#toggle-camera');
    await ada.seesFrames(bob.id, 10);
  });

  it('chat reaches everyone', async () => {
    await cem.evaluate(() => {
      const input = document.querySelector('#chat-input');
      input.value = 'merhaba';
      input.form.requestSubmit();
    });
    for (const viewer of others(cem)) {
      await until(() => viewer.evaluate(() => document.querySelector('#chat-log').textContent.includes('merhaba')),
        { what: `${viewer.name} reads the chat` });
    }
  });

  it('the tiles of someone who leaves go', async () => {
    await cem.click('#leave');
    for (const viewer of [ada, bob, dot]) {
      await until(async () => !(await viewer.tiles()).some(t => t.participant === cem.id),
        { what: `Cem's tile goes at ${viewer.name}`, seen: () => viewer.tiles() });
    }
    await cem.close();
    cem = null;
    for (const viewer of [ada, bob, dot]) {
      for (const other of others(viewer)) await viewer.seesFrames(other.id, 5);
    }
  });

  it('who reloads the page is back, once', async () => {
    const before = dot.id;
    await dot.page.reload();
    await dot.joinApp();
    for (const other of others(dot)) {
      await dot.seesFrames(other.id, 10);
      await dot.hears(other.id);
      await other.seesFrames(dot.id, 10);
      await other.hears(dot.id);
      await until(async () => {
        const tiles = await other.tiles();
        return tiles.filter(t => t.source === 'camera' && t.participant === dot.id).length === 1 &&
          (before === dot.id || !tiles.some(t => t.participant === before));
      }, { what: `${other.name} sees Dot once`, seen: () => other.tiles() });
    }
  });

  it('the metrics count the call', async () => {
    const metric = await server.metrics();
    assert.equal(metric('plenum_rooms'), 1);
    assert.equal(metric('plenum_participants'), 3);
    assert.equal(metric('plenum_tracks', { kind: 'video', codec: 'VP8', source: 'camera' }), 3);
    assert.equal(metric('plenum_subscriptions', { kind: 'audio' }), 6);
    assert.ok(metric('plenum_rtp_packets_total', { direction: 'in', kind: 'video' }) > 100);
    assert.ok(metric('plenum_rtp_packets_total', { direction: 'out', kind: 'audio' }) > 100);
  });

  it('no page had an error', async () => {
    for (const person of [ada, bob, dot]) {
      assert.deepEqual(await person.evaluate(() => window.e2e.errors), []);
      assert.deepEqual(await person.messages('error'), []);
    }
  });

  it('SIGTERM tells the clients, and the server exits with 0', async () => {
    const exit = server.stop('call');
    await until(async () => (await ada.messages('drain')).length > 0, { what: 'a drain message' });
    assert.deepEqual(await exit, { code: 0, signal: null });
  });
});

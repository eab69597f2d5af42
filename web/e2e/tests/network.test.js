// Calls over a bad network: losses, and a path that dies or changes. The first browser
// lives in a network namespace of its own.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startBot } from '../harness/bot.js';
import { startChromium } from '../harness/browsers.js';
import { Network, noNamespaces } from '../harness/network.js';
import { startServer } from '../harness/server.js';
import { during, until } from '../harness/until.js';
import { openViewer, seenBy } from '../harness/viewer.js';
import { decoded, longestGap } from '../harness/watching.js';

describe('a bad network', { skip: noNamespaces() }, () => {
  let network, server, near, far, ada, bob;

  before(async () => {
    network = new Network();
    server = await startServer({ host: network.host, flags: ['--media-address', network.host] });
    far = await startChromium({ executable: network.wrap('/usr/bin/chromium'), secureOrigin: server.url });
    near = await startChromium({ secureOrigin: server.url });
    ada = await far.open(`${server.url}/r/network`, 'Ada');
    bob = await far.open(`${server.url}/r/network`, 'Bob');
    await ada.joinApp();
    await bob.joinApp();
  });
  after(async () => {
    await far?.close();
    await near?.close();
    await server?.stop('network');
    network?.close();
  });

  const pairs = () => [[ada, bob], [bob, ada]];

  async function resent() {
    const views = await Promise.all([ada.view(), bob.view()]);
    const videos = views.flatMap(v => v.outbound.filter(s => s.kind === 'video'));
    return { packets: videos.reduce((sum, s) => sum + s.retransmittedPacketsSent, 0), types: [...new Set(videos.map(s => s.payloadType))] };
  }

  it('with 5 % loss both ways repairs what is lost, and nothing twice', async t => {
    for (const [viewer, other] of pairs()) await viewer.seesFrames(other.id, 30);
    const counted = await server.metrics();
    const before = await resent();
    network.lose(5, before.types);
    await until(() => network.lost().video >= 30, { what: 'enough packets of video are dropped', seen: async () => network.lost() });
    const dropped = network.lost();
    network.heal();
    await during(1000, 1000, () => {}); // for the last repairs
    const again = (await resent()).packets - before.packets;
    t.diagnostic(JSON.stringify({ dropped, again }));
    assert.ok(again >= dropped.video / 2 && again <= dropped.video * 2,
      `${again} packets sent again for ${dropped.video} dropped`);
    const metric = await server.metrics();
    for (const direction of ['in', 'out']) {
      for (const name of ['plenum_nacks_total', 'plenum_retransmissions_total']) {
        assert.ok(metric(name, { direction }) > counted(name, { direction }), `${name}{direction="${direction}"} rises`);
      }
    }
  });

  // The pictures are scripted, so that no encoder stutters. What a third viewer, on
  // a path without losses, sees meanwhile of the same picture is what this machine can do.
  it('with 5 % loss both ways looks as good as without', async t => {
    const flags = ['-deaf', '-keyframes', '0'];
    const inside = await startBot(server.url, 'pictures', 'Inside', { flags, network });
    const outside = await startBot(server.url, 'pictures', 'Outside', { flags });
    const [lossy, clean] = [await openViewer(far, server, 'pictures', 'Lossy'), await openViewer(near, server, 'pictures', 'Clean')];
    const camera = (seen, bot) => Object.keys(seen.tracks).find(id => seen.tracks[id].participant === bot.id && seen.tracks[id].kind === 'video');
    try {
      for (const viewer of [lossy, clean]) {
        await until(async () => {
          const seen = await seenBy(viewer);
          return [inside, outside].every(bot => seen.tracks[camera(seen, bot)]?.frames.length >= 30);
        }, { what: `${viewer.name} sees both` });
      }
      network.lose(5, []);
      const from = Date.now();
      const sent = [outside, inside].map(bot => bot.sent()[0].frames);
      await during(12000, 12000, () => {});
      const frames = [outside, inside].map((bot, i) => bot.sent()[0].frames - sent[i]);
      const to = Date.now();
      network.heal();
      const seen = { lossy: await seenBy(lossy), clean: await seenBy(clean) };
      const look = (viewer, bot, of) => ({
        share: decoded(viewer, camera(viewer, bot), from, to) / of, gap: longestGap(viewer, camera(viewer, bot), from, to),
      });
      const able = look(seen.clean, outside, frames[0]);
      const down = look(seen.lossy, outside, frames[0]), up = look(seen.clean, inside, frames[1]);
      t.diagnostic(JSON.stringify({ able, down, up }));
      for (const [name, result] of Object.entries({ down, up })) {
        assert.ok(result.share >= 0.95 * able.share, `${name}: ${(100 * result.share).toFixed(1)} % of the pictures, ${(100 * able.share).toFixed(1)} % without loss`);
        assert.ok(result.gap <= 500 + able.gap, `${name}: a picture stood for ${Math.round(result.gap)} ms, ${Math.round(able.gap)} without loss`);
      }
    } finally {
      network.heal();
      await Promise.all([lossy.close(), clean.close(), inside.leave(), outside.leave()]);
    }
  });

  it('with 15 % loss both ways drops nobody', async () => {
    const { types } = await resent();
    network.lose(15, types);
    await during(10000, 1000, async () => {
      for (const person of [ada, bob]) assert.notEqual((await person.view()).connection, 'failed');
    });
    for (const [viewer, other] of pairs()) {
      await viewer.seesFrames(other.id, 20);
      await viewer.hears(other.id);
    }
    for (const person of [ada, bob]) assert.equal((await person.view()).connection, 'connected');
    network.heal();
    for (const person of [ada, bob]) {
      assert.deepEqual((await person.messages('participant')).filter(m => m.event === 'left'), []);
    }
    await bob.close();
  });

  it('a path that dies is replaced by an ICE restart', async t => {
    bob = await near.open(`${server.url}/r/network`, 'Bob');
    await bob.joinApp();
    for (const [viewer, other] of pairs()) await viewer.seesFrames(other.id, 10);
    const before = await ada.view();
    network.block(before.local.port, server.mediaPort);
    const blocked = performance.now();
    await until(async () => {
      const now = await ada.view();
      return now.ufrag !== before.ufrag && now.connection === 'connected';
    }, { within: 60000, what: 'ICE restarts', seen: () => ada.summary() });
    for (const [viewer, other] of pairs()) await viewer.seesFrames(other.id, 10);
    t.diagnostic(`recovered ${Math.round(performance.now() - blocked)} ms after the path died`);
    assert.deepEqual((await bob.messages('participant')).filter(m => m.event === 'left'), []);
    assert.equal((await ada.messages('joined')).at(-1).id, ada.id);
    network.heal();
  });

  it('a change of address is survived by session and media', async () => {
    network.move();
    await until(async () => (await ada.messages('joined')).at(-1).resumed, { what: 'the session resumes' });
    for (const [viewer, other] of pairs()) await viewer.seesFrames(other.id, 10);
    assert.equal((await ada.messages('joined')).at(-1).id, ada.id);
    assert.equal(await ada.evaluate(() => window.e2e.peers.length), 1, 'the peer connection is the same');
    assert.deepEqual((await bob.messages('participant')).filter(m => m.event === 'left'), []);
  });
});

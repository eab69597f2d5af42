// The WebSocket breaks and comes back: the call doesn't notice.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startChromium } from '../harness/browsers.js';
import { startProxy } from '../harness/proxy.js';
import { startServer } from '../harness/server.js';
import { during, until } from '../harness/until.js';

describe('a broken WebSocket', () => {
  let server, proxy, chromium, ada, bob;

  before(async () => {
    server = await startServer();
    proxy = await startProxy(server.address);
    chromium = await startChromium();
    ada = await chromium.open(server.room('resume', proxy.host), 'Ada');
    bob = await chromium.open(server.room('resume'), 'Bob');
    await ada.joinApp();
    await bob.joinApp();
    await ada.seesFrames(bob.id, 10);
    await bob.seesFrames(ada.id, 10);
  });
  after(async () => {
    await chromium?.close();
    await proxy?.close();
    await server?.stop('resume');
  });

  it('of ten seconds stops no media, and nobody is seen leaving', async () => {
    const frames = async () => [
      (await ada.from(bob.id, 'video')).framesDecoded,
      (await bob.from(ada.id, 'video')).framesDecoded,
    ];
    proxy.cut();
    let last = await frames();
    await during(10000, 1000, async () => {
      last = await until(async () => {
        const now = await frames();
        return now.every((n, i) => n > last[i]) && now;
      }, { what: 'both see new frames' });
    });
    assert.equal((await ada.messages('joined')).length, 1, 'the WebSocket was cut all the time');
    proxy.mend();

    const joined = await until(async () => (await ada.messages('joined'))[1], { what: 'the session resumes' });
    assert.equal(joined.resumed, true);
    assert.equal(joined.id, ada.id);
    assert.deepEqual(joined.participants.map(p => p.id), [bob.id]);
    assert.equal(await ada.evaluate(() => window.e2e.peers.length), 1, 'the peer connection is the same');
    assert.deepEqual((await bob.messages('participant')).filter(m => m.event === 'left'), []);
    const metric = await server.metrics();
    assert.equal(metric('plenum_resumes_total', { result: 'ok' }), 1);
  });

  it('leaves a session that can do everything', async () => {
    await ada.click('#toggle-screen'); // needs a negotiation
    await bob.seesFrames(`${ada.id}.screen`, 5);
    await ada.seesFrames(bob.id, 5);
  });
});

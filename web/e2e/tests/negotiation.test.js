// Both sides offer at once: the server's offer stands, the browser rolls its own back
// and makes it again.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { missing, startChromium, startFirefox } from '../harness/browsers.js';
import { startServer } from '../harness/server.js';

for (const [name, start, path] of [
  ['Chromium', startChromium, '/usr/bin/chromium'],
  ['Firefox', startFirefox, '/usr/bin/firefox-esr'],
]) {
  describe(`offers that meet, in ${name}`, { skip: missing(path) }, () => {
    let server, browser;

    before(async () => {
      server = await startServer();
      browser = await start();
    });
    after(async () => {
      await browser?.close();
      await server?.stop(`negotiation-${name}`);
    });

    it('leave both with what they offered', async () => {
      const ada = await browser.open(server.room('glare'), 'Ada');
      await ada.joinApp();
      const bob = await browser.open(server.room('glare'), 'Bob', { collide: true });
      await bob.joinApp();
      await bob.seesFrames(ada.id, 5);
      await ada.seesFrames(bob.id, 5);
      await bob.hears(ada.id);
      await ada.hears(bob.id);
      const metric = await server.metrics();
      assert.ok(metric('plenum_offer_collisions_total') >= 1);
      for (const person of [ada, bob]) {
        assert.deepEqual(await person.evaluate(() => window.e2e.errors), []);
        assert.deepEqual(await person.messages('error'), []);
      }
    });
  });
}

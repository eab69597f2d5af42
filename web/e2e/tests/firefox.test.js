// Firefox with Chromium, both ways: other payload types, other extension ids.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { missing, startChromium, startFirefox } from '../harness/browsers.js';
import { startServer } from '../harness/server.js';

describe('Firefox with Chromium', { skip: missing('/usr/bin/firefox-esr') }, () => {
  let server, chromium, firefox;

  before(async () => {
    server = await startServer();
    chromium = await startChromium();
    firefox = await startFirefox();
  });
  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await server?.stop('firefox');
  });

  it('see and hear each other', async () => {
    const fox = await firefox.open(server.room('mixed'), 'Fox');
    await fox.joinApp();
    const chrome = await chromium.open(server.room('mixed'), 'Chrome');
    await chrome.joinApp();
    await fox.seesFrames(chrome.id, 20);
    await chrome.seesFrames(fox.id, 20);
    await fox.hears(chrome.id);
    await chrome.hears(fox.id);
    const { inbound } = await fox.view();
    assert.deepEqual(inbound.filter(s => s.live && s.stream === chrome.id).map(s => s.kind).sort(), ['audio', 'video']);
    for (const person of [fox, chrome]) assert.deepEqual(await person.messages('error'), []);
  });
});

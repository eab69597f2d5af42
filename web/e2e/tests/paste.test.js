// The page of the README, as it stands, twice in a room with the app. It comes from
// an origin of its own, as it would for a user who pastes it somewhere.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { startChromium } from '../harness/browsers.js';
import { startServer } from '../harness/server.js';
import { servePages } from '../harness/static.js';
import { until } from '../harness/until.js';

describe('the pasteable page', () => {
  let server, pages, chromium;

  before(async () => {
    server = await startServer();
    pages = await servePages();
    chromium = await startChromium();
  });
  after(async () => {
    await chromium?.close();
    await pages?.close();
    await server?.stop('paste');
  });

  const videos = person => person.evaluate(() => [...document.querySelectorAll('video')]
    .map(v => ({ stream: v.id, width: v.videoWidth, time: v.currentTime })));

  it('is the one in the README', async () => {
    const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
    const page = await readFile(new URL('../pages/paste.html', import.meta.url), 'utf8');
    const script = page.match(/<body>\n<script>\n([^]*?)<\/script>/)[1];
    assert.ok(readme.includes(script));
  });

  it('joins a call of any size', async () => {
    const paste = () => chromium.open(`${pages.url}/paste.html`, 'Ada', { socketHost: server.address });
    const first = await paste();
    await first.joined();
    const app = await chromium.open(server.room('demo'), 'App');
    await app.joinApp();
    const second = await paste();
    await second.joined();

    const everyone = [first, second, app];
    for (const viewer of everyone) {
      for (const other of everyone.filter(p => p !== viewer)) {
        await viewer.seesFrames(other.id, 15);
        await viewer.hears(other.id);
      }
    }
    for (const viewer of [first, second]) {
      await until(async () => {
        const shown = await videos(viewer);
        return shown.length === 2 && shown.every(v => v.width > 0 && v.time > 0);
      }, { what: 'one <video> for each of the others', seen: () => videos(viewer) });
    }

    await app.click('#leave');
    await until(async () => (await videos(first)).length === 1, { what: "the app's <video> goes", seen: () => videos(first) });
    await first.seesFrames(second.id, 10);
    assert.deepEqual(await first.evaluate(() => window.e2e.errors), []);
    assert.deepEqual(await first.messages('error'), []);
  });
});

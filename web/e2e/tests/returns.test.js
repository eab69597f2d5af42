// A viewer's link that carries less than the cheapest picture for a while, or nothing at
// all: pictures return by themselves. How fast they do, `make quality` measures.

import { after, before, describe, it } from 'node:test';
import { startBot } from '../harness/bot.js';
import { startChromium } from '../harness/browsers.js';
import { Network, noNamespaces } from '../harness/network.js';
import { startServer } from '../harness/server.js';
import { during, until } from '../harness/until.js';
import { openViewer, seenBy } from '../harness/viewer.js';
import { layersAt } from '../harness/watching.js';

const wide = 5000; // kbit/s

describe('pictures return', { skip: noNamespaces() }, () => {
  let network, server, browser, ada;
  const publishers = [];

  before(async () => {
    network = new Network();
    server = await startServer({ host: network.host, flags: ['--media-address', network.host] });
    for (const name of ['Cleo', 'Dora', 'Emil']) {
      publishers.push(await startBot(server.url, 'returns', name, { flags: ['-simulcast', '-deaf', '-keyframes', '0', '-fps', '15'] }));
    }
    browser = await startChromium({ executable: network.wrap('/usr/bin/chromium'), secureOrigin: server.url });
    network.limit(wide);
    ada = await openViewer(browser, server, 'returns', 'Ada');
    await good('at the beginning');
  });
  after(async () => {
    await browser?.close();
    for (const publisher of publishers) await publisher.leave();
    await server?.stop('returns');
    network?.close();
  });

  /** Waits until all three move, and two of them at full size: so much the link carries. */
  async function good(when) {
    const from = Date.now();
    await until(async () => {
      const seen = await seenBy(ada);
      const layers = Object.values(layersAt(seen, Date.now()));
      const cameras = Object.values(seen.tracks).filter(t => t.kind === 'video');
      return layers.length === 3 && layers.every(l => l !== null) && layers.filter(l => l === 2).length >= 2
        && cameras.every(t => t.frames.filter(at => at > from).length >= 10);
    }, { what: `all three are seen ${when}`, seen: () => server.explain(ada.id) });
  }

  it('after 300 and 60 kbit/s for three cameras', async () => {
    network.limit(300);
    await during(6000, 6000, () => {});
    network.limit(60);
    await during(6000, 6000, () => {});
    network.limit(wide);
    await good('again');
  });

  it('after 400 kbit/s and a tunnel', async () => {
    network.limit(400);
    await during(5000, 5000, () => {});
    network.lose(99.9, []);
    await during(3000, 3000, () => {});
    network.heal();
    network.limit(wide);
    await good('again');
  });
});

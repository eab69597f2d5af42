// One call: the server, its publishers and its viewer, each behind its link; and what
// was seen of it.

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { chromiumFlags, firefoxPreferences } from '../harness/browsers.js';
import { startServer } from '../harness/server.js';
import { until } from '../harness/until.js';
import { makeCamera, makeSound } from './devices.js';
import * as page from './page.js';

const cache = fileURLToPath(new URL('../../../.cache/', import.meta.url));

export class Call {
  #browsers = [];
  #explaining;
  publishers = [];
  explained = [];

  /**
   * @param {import('./network.js').Network} network
   * @param {{fps?: number, codec?: string, source?: string, firefox?: boolean}} options firefox: the viewer's browser
   */
  constructor(network, { fps = 20, codec, source = 'camera', firefox = false } = {}) {
    this.network = network;
    this.options = { fps, codec, source, firefox };
  }

  async start() {
    mkdirSync(cache, { recursive: true });
    await makeCamera(`${cache}camera.y4m`);
    makeSound(`${cache}sound.wav`);
    const { host } = this.network;
    this.server = await startServer({ host, flags: ['--media-address', host], nice: -5 });
  }

  async #chromium(where, flags = []) {
    const browser = await chromium.launch({ executablePath: this.network.wrap(where, '/usr/bin/chromium'), headless: true, args: [
      ...chromiumFlags.filter(flag => !flag.startsWith('--use-fake-device')), '--use-fake-device-for-media-stream', ...flags,
      `--unsafely-treat-insecure-origin-as-secure=${this.server.url}`] });
    this.#browsers.push(browser);
    return browser;
  }

  async #open(browser, script, options) {
    let opened;
    if (browser.newContext) {
      opened = await (await browser.newContext({ viewport: { width: 340, height: 580 } })).newPage();
      await opened.addInitScript(page.record);
    } else {
      opened = await (await browser.createBrowserContext()).newPage({ type: 'window' });
      await opened.evaluateOnNewDocument(page.record);
    }
    await opened.goto(`${this.server.url}/healthz`); // any page of the server's origin
    await opened.evaluate(page.sample);
    const done = opened.evaluate(script, options);
    done.catch(() => {}); // is looked at by the caller
    return { page: opened, done };
  }

  /** Publishers with cameras of that size, sending. */
  async publish(count, size) {
    const browser = await this.#chromium('pub',
      [`--use-file-for-fake-video-capture=${cache}camera.y4m`, `--use-file-for-fake-audio-capture=${cache}sound.wav`]);
    const { fps, codec, source } = this.options;
    for (let i = 1; i <= count; i++) {
      const { page: publisher, done } = await this.#open(browser, page.publish, { name: `pub${i}`, size, fps, codec, source });
      await done;
      await until(async () => sent(await seen(publisher)) > 40, { what: `publisher ${i} sends` });
      this.publishers.push(publisher);
    }
  }

  /** The viewer's browser: its start would disturb what is measured. */
  async viewer() {
    if (!this.options.firefox) return this.#chromium('bad');
    const browser = await puppeteer.launch({ browser: 'firefox', headless: true,
      executablePath: this.network.wrap('bad', '/usr/bin/firefox-esr'), extraPrefsFirefox: firefoxPreferences });
    this.#browsers.push(browser);
    return browser;
  }

  /** The viewer joins; done resolves when it has. */
  view(browser, size) { return this.#open(browser, page.view, { name: 'viewer', size }); }

  /** Keeps the server's own account of the viewer, each second. */
  explain() {
    let id;
    this.#explaining = setInterval(async () => {
      try {
        id ??= (await this.server.explain('')).participants.find(p => p.name === 'viewer').id;
        this.explained.push({ at: Date.now(), ...await this.server.explain(id) });
      } catch {
        id = undefined; // not there yet, or gone
      }
    }, 1000);
  }

  /** Writes all that was seen into a folder. */
  keep(folder, viewer, publishers, pings) {
    mkdirSync(folder, { recursive: true });
    for (const [name, what] of Object.entries({ viewer, publishers, pings, explained: this.explained })) {
      writeFileSync(`${folder}/${name}.json`, JSON.stringify(what));
    }
    writeFileSync(`${folder}/server.log`, this.server.log);
  }

  async stop() {
    clearInterval(this.#explaining);
    for (const browser of this.#browsers) await browser.close().catch(() => {}); // one that crashed is closed
    await this.server?.stop('quality');
  }
}

export const seen = opened => opened.evaluate(page.all);

/** Packets that a publisher has sent: of sound at least, since nobody watches yet. */
const sent = record => Object.values(record.samples.at(-1)?.streams ?? {}).reduce((sum, s) => sum + (s.packetsSent ?? 0), 0);

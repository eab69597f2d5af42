// Chromium and Firefox with fake devices, headless. Each participant gets a context
// of its own, as if on a machine of its own.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { pageHook } from './page-hook.js';
import { Participant } from './participant.js';

/** The camera of the tests: small enough for four pages on two cores. */
export const camera = { width: 640, height: 360, frameRate: 15 };

export const chromiumFlags = [
  '--no-sandbox', '--disable-gpu', '--no-first-run',
  '--use-fake-device-for-media-stream=fps=15', '--use-fake-ui-for-media-stream',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection', // a namespace may have nothing else
  // Headless pages are all in the background; a call must not be throttled for it.
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
];

export const firefoxPreferences = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.loopback': true,
  // Firefox sends no checks to a remote 127.0.0.1; the server must be able to reach it.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.autoplay.blocking_policy': 0,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'toolkit.telemetry.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
};

/**
 * @param {{executable?: string, secureOrigin?: string, flags?: string[]}} options
 *   secureOrigin gets camera and microphone although it is plain HTTP on another host.
 */
export async function startChromium({ executable = '/usr/bin/chromium', secureOrigin, flags = [] } = {}) {
  const browser = await chromium.launch({
    executablePath: executable,
    headless: true,
    args: [...chromiumFlags, ...flags,
      ...(secureOrigin ? [`--unsafely-treat-insecure-origin-as-secure=${secureOrigin}`] : [])],
  });
  return {
    /** Opens url in a context of its own. hook: see page-hook.js. */
    async open(url, name, hook = {}) {
      const context = await browser.newContext({ viewport: { width: 960, height: 640 } });
      const page = await context.newPage();
      await page.addInitScript(pageHook, { video: camera, ...hook });
      await page.goto(url);
      const participant = new Participant(page, name);
      participant.close = () => context.close();
      return participant;
    },
    close: () => browser.close(),
  };
}

export async function startFirefox() {
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true,
    extraPrefsFirefox: firefoxPreferences,
  });
  return {
    async open(url, name, hook = {}) {
      const context = await browser.createBrowserContext();
      // A tab behind another is hidden, and what is hidden gets no video.
      const page = await context.newPage({ type: 'window' });
      await page.evaluateOnNewDocument(pageHook, { video: camera, ...hook });
      await page.goto(url);
      const participant = new Participant(page, name);
      participant.close = () => context.close();
      return participant;
    },
    close: () => browser.close(),
  };
}

/** Why a test can't run here, or false: for the option `skip` of a test. */
export function missing(path) {
  return existsSync(path) ? false : `${path} is not installed`;
}

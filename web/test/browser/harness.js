/**
 * The real binary and real Chromium with fake devices. The browser driver is the one
 * that the end-to-end tests have installed (web/e2e, npm ci there).
 */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createRequire} from 'node:module';
import {fileURLToPath} from 'node:url';

const {chromium} = createRequire(new URL('../../e2e/package.json', import.meta.url))('playwright-core');
const binary = process.env.PLENUM_BINARY ?? fileURLToPath(new URL('../../../bin/plenum', import.meta.url));

export const sizes = {
  phone: {width: 390, height: 844},
  laptop: {width: 1366, height: 768},
  wide: {width: 2560, height: 1080},
};

/** Starts a server, on free ports unless told otherwise. @param {string[]} flags @param {number} wanted  port */
export async function startServer(flags = [], wanted = 0) {
  const server = spawn(binary, ['serve', '--listen', `127.0.0.1:${wanted}`, '--media-port', '0', ...flags], {stdio: ['ignore', 'pipe', 'pipe']});
  let log = '';
  const port = await new Promise((resolve, reject) => {
    const read = (text) => {
      log += text;
      const found = log.match(/\baddr=\S*:(\d+)/);
      if (found) resolve(found[1]);
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.on('exit', () => reject(new Error(`the server ended: ${log}`)));
    server.on('error', reject);
  });
  return {
    url: `http://localhost:${port}`,
    port: Number(port),
    room: (name) => `http://localhost:${port}/r/${name}`,
    async stop(signal = 'SIGKILL') {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const gone = once(server, 'exit');
      server.kill(signal);
      await gone;
    },
  };
}

/** @param {string[]} flags @param {{fakeDevices?: boolean}} options */
export function startBrowser(flags = [], {fakeDevices = true} = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      ...(fakeDevices ? ['--use-fake-device-for-media-stream=fps=10', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required'] : []),
      '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows',
      ...flags,
    ],
  });
}

/**
 * Opens a page in a context of its own, which fails the test's `errors` on any
 * mistake of the page: exceptions, console errors, violations of the policy.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 */
export async function open(browser, url, {size = sizes.laptop, init, initArgument, ...context} = {}) {
  const own = await browser.newContext({viewport: size, ...context});
  const page = await own.newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') page.errors.push(message.text()); });
  if (init) await page.addInitScript(init, initArgument);
  await page.goto(url);
  page.leave = () => own.close();
  return page;
}

/** Runs in a page before its scripts: lets the test speak for the server. */
export function recordSockets() {
  window.sockets = [];
  window.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      window.sockets.push(this);
    }
  };
}

/** As if the server had sent it to a page that has `recordSockets`. */
export function receives(page, message) {
  return page.evaluate((data) => window.sockets.at(-1).onmessage({data}), JSON.stringify(message));
}

/** Joins by hand, as people do. */
export async function joinAs(page, name) {
  await page.fill('#name', name);
  await page.click('#join');
  await page.waitForSelector('#call:not([hidden])');
  return page;
}

/** Fills a room with people who only sit there: sockets without media, in one page. */
export async function fillRoom(page, server, room, names) {
  await page.evaluate(async ({url, people}) => {
    window.sitters = [...(window.sitters ?? []), ...await Promise.all(people.map((name) => new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url}&name=${encodeURIComponent(name)}`, ['plenum.v1']);
      socket.onmessage = () => resolve(socket);
      socket.onclose = reject;
    })))];
  }, {url: `ws://localhost:${server.port}/ws?room=${room}`, people: names});
}

/** A sitter says something. */
export function says(page, index, body) {
  return page.evaluate(([at, message]) => window.sitters.at(at).send(JSON.stringify({type: 'message', body: message})), [index, body]);
}

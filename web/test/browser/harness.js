/**
 * The real binary and real Chromium with fake devices. The browser driver is the one
 * that the end-to-end tests have installed (web/e2e, npm ci there).
 */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createServer} from 'node:http';
import {createRequire} from 'node:module';
import {after, before} from 'node:test';
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
    get log() { return log; },
    url: `http://localhost:${port}`,
    port: Number(port),
    /** Its page in the app, with a camera that is small enough for several pages on two cores. */
    room: (name) => `http://localhost:${port}/r/${name}?video=320x180x10`,
    async stop(signal = 'SIGKILL') {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const gone = once(server, 'exit');
      server.kill(signal);
      await gone;
    },
  };
}

/** Somebody else's site, of another origin than the server's: what is put into `pages` by its path. */
export async function startHost() {
  /** @type {Map<string, string>} */
  const pages = new Map();
  const host = createServer((request, response) => {
    const {pathname} = new URL(request.url, 'http://localhost');
    const body = pages.get(pathname);
    response.writeHead(body ? 200 : 404, {'content-type': pathname.endsWith('.js') ? 'text/javascript' : 'text/html'}).end(body ?? '');
  });
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  host.unref(); // nothing waits for its end
  return {pages, origin: `http://localhost:${host.address().port}`};
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
 * A server and a browser of its own for the tests of a `describe`.
 *
 * @param {{server?: string[], browser?: string[]}} flags
 * @param {(made: {server: Awaited<ReturnType<typeof startServer>>, browser: import('playwright-core').Browser}) => unknown} begin  what else the tests need
 */
export function stage(flags, begin) {
  let server, browser;
  before(async () => {
    server = await startServer(flags.server);
    browser = await startBrowser(flags.browser);
    await begin({server, browser});
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
}

/**
 * Opens a page in a context of its own, which fails the test's `errors` on any
 * mistake of the page: exceptions, console errors, violations of the policy.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 * @param {object} [options]  size; init: what runs in the page before its scripts, one or several; the rest is the context's
 */
export async function open(browser, url, {size = sizes.laptop, init, initArgument, ...context} = {}) {
  const own = await browser.newContext({viewport: size, ...context});
  const page = await own.newPage();
  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') page.errors.push(message.text()); });
  for (const one of [init ?? []].flat()) await page.addInitScript(one, initArgument);
  await page.goto(url);
  page.leave = () => own.close();
  return page;
}

/**
 * Waits for something in a page without touching it. The browser takes what a driver
 * evaluates for the person's doing, and lets the page play sound from then on.
 *
 * @param {import('playwright-core').Page} page
 * @returns {Promise<(condition: () => unknown, within?: number) => Promise<any>>}  the condition runs in the page; resolves with what it has become
 */
export async function withoutTouch(page) {
  const session = await page.context().newCDPSession(page);
  return async (condition, within = 30_000) => {
    const {result: {value}} = await session.send('Runtime.evaluate', {
      returnByValue: true, awaitPromise: true, userGesture: false,
      expression: `new Promise((resolve) => {
        const condition = ${condition};
        const look = () => {
          const value = condition();
          if (!value && performance.now() < end) setTimeout(look, 20);
          else resolve(value);
        };
        const end = performance.now() + ${within};
        look();
      })`,
    });
    if (!value) throw new Error(`not within ${within} ms: ${condition}`);
    return value;
  };
}

/** Runs in a page before its scripts: keeps what is asked of camera and microphone in `asked`, where `missing` names a kind that there is none of. */
export function recordDevices() {
  window.asked = [];
  window.missing = '';
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    window.asked.push(constraints);
    if (constraints[window.missing]) throw new DOMException('', 'NotFoundError');
    return getUserMedia(constraints);
  };
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

/**
 * Runs in a page before its scripts: a drawn person in place of the fake camera's
 * pie, and drawn people and screens for whoever publishes by hand.
 */
export function drawnCamera({hue: own}) {
  const draw = (width, height, rate, paint) => {
    const canvas = Object.assign(document.createElement('canvas'), {width, height});
    const brush = canvas.getContext('2d');
    paint(brush);
    setInterval(() => paint(brush), 1000 / rate);
    return canvas.captureStream(rate);
  };
  window.drawPerson = (hue, rate = 10) => draw(640, 360, rate, (brush) => {
    const sway = 6 * Math.sin(performance.now() / 900 + hue);
    const wall = brush.createLinearGradient(0, 0, 640, 360);
    wall.addColorStop(0, `hsl(${hue} 30% 66%)`);
    wall.addColorStop(1, `hsl(${hue + 30} 34% 40%)`);
    const shape = (colour, ...ellipse) => {
      brush.fillStyle = colour;
      brush.beginPath();
      brush.ellipse(...ellipse, 0, 0, 7);
      brush.fill();
    };
    brush.fillStyle = wall;
    brush.fillRect(0, 0, 640, 360);
    brush.fillStyle = `hsl(${hue + 20} 26% 54%)`;
    brush.fillRect(60, 40, 120, 150);
    brush.fillRect(470, 0, 90, 230);
    const skin = `hsl(${22 + (hue % 12)} ${38 + (hue % 20)}% ${40 + (hue % 34)}%)`;
    shape(`hsl(${hue + 180} 32% 30%)`, 320 + sway / 2, 392, 165, 130);
    shape(skin, 320 + sway, 250, 32, 50);
    shape(`hsl(${hue % 50} 30% ${14 + (hue % 16)}%)`, 320 + sway, 150, 72, 84);
    shape(skin, 320 + sway, 168, 58, 74);
  });
  window.drawScreen = () => draw(1600, 1000, 5, (brush) => {
    brush.fillStyle = '#fbfbf8';
    brush.fillRect(0, 0, 1600, 1000);
    brush.fillStyle = '#1d2430';
    brush.font = '600 52px sans-serif';
    brush.fillText('Packets per frame, before and after', 90, 130);
    brush.font = '30px sans-serif';
    ['One read of the socket takes a whole frame', 'One write sends it to thirty people', 'Nothing is allocated on the way'].forEach((line, index) => brush.fillText(`•  ${line}`, 100, 220 + 56 * index));
    for (let index = 0; index < 12; index++) {
      brush.fillStyle = index % 2 ? '#2c63dd' : '#c6ccd8';
      const height = 80 + 34 * ((index * 7) % 11) + 4 * Math.sin(performance.now() / 500);
      brush.fillRect(120 + index * 115, 900 - height, 80, height);
    }
  });
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    const real = await getUserMedia(constraints);
    if (!constraints.video) return real;
    for (const track of real.getVideoTracks()) {
      real.removeTrack(track);
      track.stop();
    }
    real.addTrack(window.drawPerson(own).getVideoTracks()[0]);
    return real;
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

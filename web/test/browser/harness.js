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
 * Opens a page in a context of its own. Its `errors` are all its mistakes: exceptions,
 * console errors, violations of the policy; `said` is what else it logged.
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
  page.said = [];
  page.on('console', (message) => (message.type() === 'error' ? page.errors : page.said).push(message.text()));
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
    const now = performance.now() / 900 + hue;
    const sway = 5 * Math.sin(now);
    const shape = (colour, ...ellipse) => {
      brush.fillStyle = colour;
      brush.beginPath();
      brush.ellipse(...ellipse, 0, 0, 7);
      brush.fill();
    };
    const wall = brush.createLinearGradient(0, 0, 640, 360);
    wall.addColorStop(0, `hsl(${hue} 24% 78%)`);
    wall.addColorStop(1, `hsl(${hue + 25} 26% 54%)`);
    brush.fillStyle = wall;
    brush.fillRect(0, 0, 640, 360);
    // A shelf with books on one side, a picture or a plant on the other.
    for (let index = 0; index < 9; index++) {
      brush.fillStyle = `hsl(${(hue + index * 67) % 360} 34% ${42 + (index * 13) % 24}%)`;
      brush.fillRect(88 + index * 14, 150 - 52 - (index * 11) % 22, 11, 52 + (index * 11) % 22);
    }
    brush.fillStyle = `hsl(${hue + 15} 22% 38%)`;
    brush.fillRect(78, 150, 146, 7);
    if (hue % 40 < 20) {
      brush.fillRect(448, 52, 104, 92);
      brush.fillStyle = `hsl(${hue + 150} 32% 80%)`;
      brush.fillRect(455, 59, 90, 78);
      shape(`hsl(${hue + 190} 38% 62%)`, 490, 106, 24, 22);
    } else {
      for (const [x, y] of [[-26, 8], [26, 4], [-14, -26], [16, -30], [0, -44]]) shape(`hsl(140 26% ${34 + Math.abs(x) / 3}%)`, 505 + x, 190 + y, 16, 34);
      brush.fillStyle = `hsl(${hue + 20} 30% 42%)`;
      brush.fillRect(477, 210, 56, 60);
    }
    const skin = `hsl(${20 + (hue % 10)} ${34 + (hue % 14)}% ${48 + (hue * 7) % 28}%)`;
    const hair = `hsl(${18 + (hue % 24)} 28% ${12 + (hue * 3) % 22}%)`;
    const shirt = `hsl(${hue + 170} 34% 34%)`;
    const x = 320 + sway;
    if (hue % 3 === 0) shape(hair, x, 196, 84, 112); // long
    shape(shirt, 320 + sway / 2, 398, 168, 128);
    shape(skin, x, 262, 30, 44);
    shape(hair, x, 150, 72, 80);
    shape(skin, x - 59, 178, 10, 16);
    shape(skin, x + 59, 178, 10, 16);
    shape(skin, x, 172, 58, 74);
    shape(hair, x - 14, 110, 52, 30);
    for (const side of [-22, 22]) {
      shape(hair, x + side, 149, 13, 3);
      shape('#fdfdfb', x + side, 168, 9, Math.sin(now * 1.7) > 0.995 ? 1 : 6);
      shape('#2a211c', x + side + sway / 3, 168, 4.5, Math.sin(now * 1.7) > 0.995 ? 1 : 5);
    }
    brush.strokeStyle = '#8c3f3a';
    brush.lineWidth = 5;
    brush.lineCap = 'round';
    brush.beginPath();
    brush.arc(x, 196, 20, 0.5, Math.PI - 0.5);
    brush.stroke();
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

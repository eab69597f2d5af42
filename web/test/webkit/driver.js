/**
 * WebKit, Safari's engine, as WebKitGTK has it: in a window on a virtual screen, with
 * made-up devices, by the W3C's WebDriver protocol. Debian builds it without WebRTC.
 */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync} from 'node:fs';
import {createServer} from 'node:net';
import {createInterface} from 'node:readline';

const libraries = '/usr/lib/x86_64-linux-gnu';
const patience = 45_000;

/** Where Debian keeps the browser that comes with the library. */
function miniBrowser() {
  for (const folder of readdirSync(libraries).filter((name) => name.startsWith('webkit2gtk-')).sort().reverse()) {
    const path = `${libraries}/${folder}/MiniBrowser`;
    if (existsSync(path)) return path;
  }
  throw new Error('no MiniBrowser of WebKitGTK here');
}

/** A screen of its own, on a number that is free. */
async function startScreen({width, height}) {
  const screen = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', `${width}x${height}x24`], {stdio: ['ignore', 'pipe', 'ignore']});
  const [number] = await once(createInterface(screen.stdout), 'line');
  return {screen, display: `:${number}`};
}

/** A port that is free now. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export class WebKit {
  #screen;
  #driver;
  #session = '';
  #address;

  /** @param {import('node:child_process').ChildProcess} screen @param {import('node:child_process').ChildProcess} driver @param {number} port */
  constructor(screen, driver, port) {
    this.#screen = screen;
    this.#driver = driver;
    this.#address = `http://127.0.0.1:${port}`;
  }

  /** @param {{width: number, height: number}} size  of the screen */
  static async start(size) {
    const port = await freePort();
    const {screen, display} = await startScreen(size);
    const driver = spawn('WebKitWebDriver', [`--port=${port}`], {
      stdio: 'ignore', env: {...process.env, DISPLAY: display, LIBGL_ALWAYS_SOFTWARE: '1', WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1'},
    });
    const webkit = new WebKit(screen, driver, port);
    await webkit.#open();
    return webkit;
  }

  async #open() {
    const wanted = {binary: miniBrowser(), args: ['--automation', '--enable-media-stream=true', '--enable-mock-capture-devices=true']};
    for (const deadline = performance.now() + patience; ;) {
      try {
        const {sessionId} = await this.#ask('POST', '/session', {capabilities: {alwaysMatch: {'webkitgtk:browserOptions': wanted}}});
        this.#session = `/session/${sessionId}`;
        return;
      } catch (error) {
        if (!(error instanceof TypeError) || performance.now() > deadline) throw error; // fetch: the driver doesn't listen yet
      }
    }
  }

  async #ask(method, path, body) {
    const response = await fetch(this.#address + path, {method, body: body && JSON.stringify(body)});
    const {value} = await response.json();
    if (value?.error) throw new Error(`${value.error}: ${value.message}`);
    return value;
  }

  goto(url) { return this.#ask('POST', `${this.#session}/url`, {url}); }

  /** Runs a function in the page. @param {Function} run @param {unknown[]} args */
  evaluate(run, ...args) {
    return this.#ask('POST', `${this.#session}/execute/sync`, {script: `return (${run})(...arguments)`, args});
  }

  /** Waits until a function returns something truthy in the page, and returns that. */
  async until(run, ...args) {
    const deadline = performance.now() + patience;
    for (;;) {
      const value = await this.evaluate(run, ...args);
      if (value) return value;
      if (performance.now() > deadline) throw new Error(`not within ${patience} ms: ${run} of ${JSON.stringify(args)}`);
    }
  }

  /** Waits for an element that can be seen. @param {string} selector @param {string} [text]  that it contains */
  sees(selector, text = '') {
    return this.until((wanted, part) => [...document.querySelectorAll(wanted)].some((one) => one.checkVisibility() && one.textContent.includes(part)), selector, text);
  }

  async #find(selector) {
    const found = await this.#ask('POST', `${this.#session}/element`, {using: 'css selector', value: selector});
    return `${this.#session}/element/${Object.values(found)[0]}`;
  }

  /** @param {string} selector */
  async click(selector) {
    await this.sees(selector);
    await this.#ask('POST', `${await this.#find(selector)}/click`, {});
  }

  /** Types into an element. @param {string} selector @param {string} text */
  async type(selector, text) {
    await this.#ask('POST', `${await this.#find(selector)}/value`, {text});
  }

  /** Presses a key, wherever the focus is. @param {string} key */
  press(key) {
    const actions = ['keyDown', 'keyUp'].map((type) => ({type, value: key}));
    return this.#ask('POST', `${this.#session}/actions`, {actions: [{type: 'key', id: 'keyboard', actions}]});
  }

  /** @returns {Promise<Buffer>} PNG */
  async screenshot() {
    return Buffer.from(await this.#ask('GET', `${this.#session}/screenshot`), 'base64');
  }

  async close() {
    if (this.#session) await this.#ask('DELETE', this.#session).catch(() => {}); // it may be gone
    for (const process of [this.#driver, this.#screen]) {
      const gone = once(process, 'exit');
      if (process.kill()) await gone;
    }
  }
}

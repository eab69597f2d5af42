/** What the README and examples/ show, run as it stands on a page of another origin than the server's. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {after, before, describe, it} from 'node:test';
import {open, startBrowser, startServer} from './harness.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const code = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, text]) => text);
const markup = [...readme.matchAll(/```html\n([\s\S]*?)```/g)].map(([, text]) => text);
const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** The example that says this. */
const example = (part) => code.find((text) => text.includes(part)) ?? assert.fail(`no example with ${part}`);

describe('the SDK on other people’s pages', () => {
  let server, browser, host, origin, pages;

  before(async () => {
    server = await startServer();
    browser = await startBrowser();
    pages = new Map();
    host = createServer((request, response) => {
      const {pathname} = new URL(request.url, 'http://localhost');
      const body = pages.get(pathname);
      response.writeHead(body ? 200 : 404, {'content-type': pathname.endsWith('.js') ? 'text/javascript' : 'text/html'}).end(body ?? '');
    });
    await new Promise((resolve) => { host.listen(0, '127.0.0.1', resolve); });
    origin = `http://localhost:${host.address().port}`;
    for (const name of ['plain', 'element']) {
      pages.set(`/${name}.html`, readFileSync(new URL(`../../examples/${name}.html`, import.meta.url), 'utf8').replace('src="/plenum-call.js"', `src="${server.url}/plenum-call.js"`));
    }
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    host?.close();
  });

  let made = 0;
  /** A page that runs an example as its module; `said` has what it logged. */
  async function run(text, expose = '') {
    const name = `/example-${++made}`;
    pages.set(`${name}.js`, `${text.replaceAll('https://HOST', server.url).replaceAll("'demo'", `'example-${made}'`)}\n${expose}`);
    pages.set(`${name}.html`, `<!doctype html><title>Example</title><link rel="icon" href="data:,"><script type="module" src="${name}.js"></script>`);
    const said = [];
    const page = await open(browser, `${origin}${name}.html`, {init: () => { window.done = false; }});
    page.on('console', (message) => said.push(message.text()));
    return {page, said, room: `example-${made}`};
  }

  /** Somebody else, by the app. */
  async function guest(room) {
    const page = await open(browser, server.room(room));
    await page.fill('#name', 'Guest');
    await page.click('#join');
    await page.waitForSelector('#call:not([hidden])');
    return page;
  }

  it('a dozen lines are a call, both ways', async () => {
    const {page, room} = await run(code[0]);
    const other = await guest(room);
    await page.waitForFunction(() => document.querySelector('video')?.videoWidth > 0 && document.querySelector('audio')?.srcObject);
    await other.waitForSelector('.tile[aria-label^="Ada"].video');
    await other.click('#leave');
    await page.waitForFunction(() => !document.querySelector('video, audio'));
    assert.deepEqual(page.errors, []);
    await page.leave();
    await other.leave();
  });

  it('devices are opened, published, muted and unmuted', async () => {
    const {page} = await run(example('DeviceError'), 'window.done = true;');
    await page.waitForFunction(() => window.done);
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('messages are sent and iterated', async () => {
    const {page, said, room} = await run(example('room.events('));
    const other = await guest(room);
    if (!await other.isVisible('#chat')) await other.click('#toggle-chat');
    await page.waitForFunction(() => true);
    await other.waitForSelector('.tile[aria-label^="Ada"]');
    await other.fill('#chat-input', 'hello');
    await other.press('#chat-input', 'Enter');
    await page.waitForEvent('console', {predicate: (message) => message.text().startsWith('Guest')}).catch(() => {});
    assert.ok(said.some((text) => /^Guest/.test(text)), said.join());
    await page.leave();
    await other.leave();
  });

  it('tracks are asked for in a size', async () => {
    const {page, room} = await run(example('room.subscribe('), 'window.room = room; window.done = true;');
    await page.waitForFunction(() => window.done);
    const other = await guest(room);
    await other.waitForSelector('.tile.video');
    await page.waitForFunction(() => [...window.room.participants.values()].some((one) => [...one.tracks.values()].some((track) => track.kind === 'video' && track.mediaTrack)));
    assert.deepEqual(page.errors, []);
    await page.leave();
    await other.leave();
  });

  it('who is there is asked without joining', async () => {
    const other = await guest(`example-${made + 1}`);
    const {page, said} = await run(example('peek('), 'window.done = true;');
    await page.waitForFunction(() => window.done);
    assert.deepEqual(said, ['1 people']);
    assert.deepEqual(page.errors, []);
    await page.leave();
    await other.leave();
  });

  it('screens, statistics and hanging up', async () => {
    const {page, said} = await run(example('publishScreen'), 'window.done = room.state;');
    await page.waitForFunction(() => window.done);
    assert.equal(await page.evaluate(() => window.done), 'closed');
    assert.match(said.join(), /^\d/);
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('the custom element is a call without code', async () => {
    pages.set('/element-readme.html', `<!doctype html><html lang="en"><title>Element</title><link rel="icon" href="data:,"><main>${markup[0].replaceAll('https://HOST', server.url).replace('"demo"', '"element"')}</main>`);
    const page = await open(browser, `${origin}/element-readme.html`);
    const other = await guest('element');
    await other.waitForSelector('.tile[aria-label^="Ada"].video');
    await page.waitForFunction(() => [...document.querySelector('plenum-call').shadowRoot.querySelectorAll('figure:not(.own) video')].some((one) => one.videoWidth > 0));
    const button = (name) => page.locator('plenum-call').getByRole('button', {name});
    await button('Microphone').click();
    await other.waitForSelector('.tile[aria-label^="Ada"][data-muted=true]');
    assert.equal(await button('Microphone').getAttribute('aria-pressed'), 'false');
    assert.equal(await page.evaluate(() => document.querySelector('plenum-call').shadowRoot.activeElement?.textContent), 'Microphone', 'the focus stays');
    await page.evaluate(axe);
    assert.deepEqual(await page.evaluate(async () => (await window.axe.run()).violations.filter(({impact}) => ['serious', 'critical'].includes(impact)).map(({id}) => id)), []);
    await page.evaluate(() => document.querySelector('plenum-call').remove());
    await other.waitForSelector('.tile[aria-label^="Ada"]', {state: 'detached'});
    assert.deepEqual(page.errors, []);
    await page.leave();
    await other.leave();
  });

  it('the example pages work', async () => {
    const other = await guest('demo');
    const plain = await open(browser, `${origin}/plain.html?server=${server.url}`);
    await other.waitForSelector('.tile[aria-label^="Plain page"].video');
    await plain.waitForFunction(() => [...document.querySelectorAll('video:not(#me)')].some((one) => one.videoWidth > 0));
    const element = await open(browser, `${origin}/element.html`);
    await element.locator('plenum-call').getByRole('button', {name: 'Join the call'}).click();
    await other.waitForSelector('.tile[aria-label^="Element"].video');
    await element.locator('plenum-call').getByRole('button', {name: 'Leave'}).click();
    await other.waitForSelector('.tile[aria-label^="Element"]', {state: 'detached'});
    await element.locator('plenum-call').getByRole('button', {name: 'Join the call'}).waitFor();
    for (const page of [plain, element]) {
      assert.deepEqual(page.errors.filter((text) => !/404/.test(text)), []); // these pages have no icon
      await page.leave();
    }
    await other.leave();
  });
});

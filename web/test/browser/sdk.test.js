/** What the README and examples/ show, run as it stands on a page of another origin than the server's. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, it} from 'node:test';
import {joinAs, open, stage, startBrowser, startHost, withoutTouch} from './harness.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const code = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, text]) => text);

/** The example that says this. */
const example = (part) => code.find((text) => text.includes(part)) ?? assert.fail(`no example with ${part}`);

describe('the SDK on other people’s pages', () => {
  let server, browser, origin, pages;

  stage({}, async (made) => {
    ({server, browser} = made);
    ({origin, pages} = await startHost());
    for (const name of ['plain', 'element']) {
      pages.set(`/${name}.html`, readFileSync(new URL(`../../examples/${name}.html`, import.meta.url), 'utf8').replace('src="/plenum-call.js"', `src="${server.url}/plenum-call.js"`));
    }
  });

  let made = 0;
  /** A page that runs an example as its module; `said` has what it logged. */
  async function run(text, expose = '', within = browser) {
    const name = `/example-${++made}`;
    pages.set(`${name}.js`, `${text.replaceAll('https://HOST', server.url).replaceAll("'demo'", `'example-${made}'`)}\n${expose}`);
    pages.set(`${name}.html`, `<!doctype html><title>Example</title><link rel="icon" href="data:,"><script type="module" src="${name}.js"></script>`);
    const page = await open(within, `${origin}${name}.html`, {init: () => { window.done = false; }});
    return {page, said: page.said, room: `example-${made}`};
  }

  /** Somebody else, by the app. */
  const guest = async (room) => joinAs(await open(browser, server.room(room)), 'Guest');

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

  it('buttons turn one’s own devices on and off', async () => {
    const {page, said, room} = await run(example('LocalMedia'), 'window.done = true;');
    const other = await guest(room);
    const ada = '.tile[aria-label^="Ada"]';
    await other.waitForSelector(`${ada}.video[data-muted=false]`);
    await page.click('text=camera');
    await other.waitForSelector(`${ada}:not(.video)`);
    await page.click('text=camera'); // the browser may still be busy with the first press
    await other.waitForSelector(`${ada}.video`);
    await page.click('text=microphone');
    await other.waitForSelector(`${ada}[data-muted=true]`);
    await page.click('text=screen');
    await other.waitForSelector('.tile[data-source=screen]');
    await page.waitForSelector('button[aria-pressed=true]:has-text("screen")');
    await page.click('text=screen');
    await other.waitForSelector('.tile[data-source=screen]', {state: 'detached'});
    await page.waitForFunction(() => [...document.querySelectorAll('button')].map(({ariaPressed}) => ariaPressed).join() === 'false,true,false');
    assert.deepEqual([said, page.errors], [[], []]);
    await page.leave();
    await other.leave();
  });

  it('messages are sent and iterated', async () => {
    const {page, said, room} = await run(example('room.events('));
    const other = await guest(room);
    if (!await other.isVisible('#chat')) await other.click('#toggle-chat');
    await other.waitForSelector('.tile[aria-label^="Ada"]');
    const heard = page.waitForEvent('console');
    await other.fill('#chat-input', 'hello');
    await other.press('#chat-input', 'Enter');
    await heard;
    assert.match(said.join(), /^Guest/);
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

  it('what may not sound before a click is played from one', async (context) => {
    const strict = await startBrowser(['--autoplay-policy=document-user-activation-required']);
    context.after(() => strict.close());
    const {page, room} = await run(example('startPlayback'), 'window.room = room; window.done = true;', strict);
    const until = await withoutTouch(page);
    await until(() => window.done);
    const other = await guest(room);
    await until(() => document.querySelector('button:not([hidden])'));
    await page.click('button');
    await page.waitForSelector('button', {state: 'hidden'});
    assert.equal(await page.evaluate(() => window.room.playbackBlocked), false);
    assert.deepEqual(page.errors, []);
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

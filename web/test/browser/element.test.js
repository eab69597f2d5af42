/** The custom element <plenum-call> on somebody else's page. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, it} from 'node:test';
import {fillRoom, joinAs, open, receives, recordDevices, recordSockets, stage, startBrowser, startHost, withoutTouch} from './harness.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const [, markup] = readme.match(/```html\n([\s\S]*?)```/);
const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** Runs in a page before its scripts: keeps what the element tells. */
function listen() {
  window.told = [];
  for (const name of ['joined', 'left', 'error']) addEventListener(name, ({detail}) => { if (detail) window.told.push(detail.error?.message ?? name); }, true);
}

describe('the custom element', () => {
  let server, browser, host, crowd;
  stage({}, async (made) => {
    ({server, browser} = made);
    host = await startHost();
    crowd = await open(browser, `${server.url}/readyz`);
  });

  let made = 0;
  /** A page with the README's element, and somebody in its room by the app. */
  async function embed({attributes = 'autojoin', within = browser, init = [], others = true} = {}) {
    const room = `element-${++made}`;
    const text = markup.replaceAll('https://HOST', server.url).replace('"demo"', `"${room}"`).replace('autojoin', attributes);
    host.pages.set(`/${room}.html`, `<!doctype html><html lang="en"><title>Element</title><link rel="icon" href="data:,"><main>${text}</main>`);
    const other = others ? await joinAs(await open(browser, server.room(room)), 'Guest') : null;
    const page = await open(within, `${host.origin}/${room}.html`, {init: [listen, recordDevices, init].flat()});
    const element = page.locator('plenum-call');
    return {
      page, other, room, element,
      button: (name) => element.getByRole('button', {name}),
      publishes: (wanted) => page.waitForFunction((text) => document.querySelector('plenum-call').call.publications
        .map(({source, muted, tracks: [{readyState}]}) => `${source} ${muted ? 'muted ' : ''}${readyState}`).sort().join() === text, wanted),
      async leave() {
        assert.deepEqual(page.errors, []);
        await page.leave();
        await other?.leave();
      },
    };
  }
  /** What was asked of the devices, in words. */
  const asked = (page) => page.evaluate(() => window.asked.splice(0).map((one) => Object.keys(one).filter((kind) => one[kind]).sort().join()));
  /** Somebody in the app sees the element's person. */
  const ada = '.tile[aria-label^="Ada"]';

  it('is a call without code', async () => {
    const {page, other, element, button, leave} = await embed();
    await other.waitForSelector(`${ada}.video`);
    await element.locator('figure.video:not(.own)[aria-label="Guest"]').waitFor();
    await page.waitForFunction(() => [...document.querySelector('plenum-call').shadowRoot.querySelectorAll('figure:not(.own) video')].some((one) => one.videoWidth > 0));
    await button('Microphone').click();
    await other.waitForSelector(`${ada}[data-muted=true]`);
    await element.locator('button[aria-pressed=false]:has-text("Microphone")').waitFor();
    await element.locator('figure.own[aria-label="You, microphone off"]').waitFor();
    assert.equal(await page.evaluate(() => document.querySelector('plenum-call').shadowRoot.activeElement?.textContent), 'Microphone', 'the focus stays');
    await page.evaluate(axe);
    assert.deepEqual(await page.evaluate(async () => (await window.axe.run()).violations.filter(({impact}) => ['serious', 'critical'].includes(impact)).map(({id}) => id)), []);
    await element.evaluate((one) => one.remove());
    await other.waitForSelector(ada, {state: 'detached'});
    assert.deepEqual(await page.evaluate(() => window.told), ['joined'], 'an element that is gone tells the page nothing');
    await leave();
  });

  it('asks for a click where the browser plays no sound without one', async (context) => {
    const strict = await startBrowser(['--autoplay-policy=user-gesture-required']);
    context.after(() => strict.close());
    for (const name of ['Play sound', 'Microphone']) { // a click is a click
      const {page, leave} = await embed({within: strict});
      const until = await withoutTouch(page);
      await until(() => window.told.includes('joined') && document.querySelector('plenum-call').shadowRoot.querySelector('.blocked button')?.textContent === 'Play sound');
      await until(() => [...document.querySelector('plenum-call').shadowRoot.querySelectorAll('audio')].every(({paused}) => paused));
      await until(() => [...document.querySelector('plenum-call').shadowRoot.querySelectorAll('figure:not(.own) video')].some((one) => one.videoWidth > 0 && !one.paused));
      await page.mouse.click(...await until(`() => {
        const wanted = [...document.querySelector('plenum-call').shadowRoot.querySelectorAll('button')].find(({textContent}) => textContent === '${name}');
        const {x, y, width, height} = wanted.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
      }`));
      await until(() => !document.querySelector('plenum-call').shadowRoot.querySelector('.blocked button'));
      await until(() => [...document.querySelector('plenum-call').shadowRoot.querySelectorAll('audio')].every(({paused}) => !paused));
      assert.ok(await until(() => document.querySelector('plenum-call').shadowRoot.activeElement), 'the focus is not lost');
      await leave();
    }
  });

  it('shows people without a camera too, and those who come and go', async () => {
    const {element, room, leave} = await embed({attributes: 'autojoin watch-only', others: false});
    await fillRoom(crowd, server, room, ['Bob', '']);
    await element.locator('figure[aria-label="Bob, microphone off"]').waitFor();
    await element.locator('figure[aria-label="Guest, microphone off"]').waitFor();
    await crowd.evaluate(() => window.sitters.shift().send('{"type":"leave"}'));
    await element.locator('figure[aria-label^="Bob"]').waitFor({state: 'detached'});
    assert.equal(await element.locator('figure').count(), 1);
    await leave();
  });

  it('sends only what its attributes allow', async () => {
    const texts = ({element}) => element.getByRole('button').allTextContents();
    const watcher = await embed({attributes: 'autojoin watch-only', others: false});
    await watcher.button('Leave').waitFor();
    await watcher.page.waitForFunction(() => window.told.includes('joined'));
    assert.deepEqual(await texts(watcher), ['Leave']);
    assert.deepEqual(await asked(watcher.page), []);
    await watcher.leave();
    const speaker = await embed({attributes: 'autojoin audio-only', others: false});
    await speaker.element.locator('button[aria-pressed=true]').waitFor();
    assert.deepEqual(await texts(speaker), ['Microphone', 'Share screen', 'Leave']);
    assert.deepEqual(await asked(speaker.page), ['audio']);
    await speaker.leave();
  });

  it('opens a device that was missing when it is pressed, and nothing else', async () => {
    const {page, element, button, publishes, leave} = await embed({others: false, init: () => { window.missing = 'audio'; }});
    await element.getByRole('alert').filter({hasText: 'No microphone was found.'}).waitFor();
    await publishes('camera live');
    assert.deepEqual(await asked(page), ['audio,video', 'video', 'audio']);
    assert.deepEqual(await page.evaluate(() => window.told), ['joined', 'The microphone could not be opened: missing.']);
    await page.evaluate(() => { window.missing = ''; });
    await button('Microphone').dblclick();
    await element.locator('button[aria-pressed=true]:has-text("Microphone")').waitFor();
    assert.deepEqual(await asked(page), ['audio']);
    await publishes('camera live,microphone live');
    await leave();
  });

  it('puts out the camera’s light with the camera, and ends ten quick presses in order', async () => {
    const {page, element, other, button, publishes, leave} = await embed();
    await other.waitForSelector(`${ada}.video`);
    await button('Camera').click();
    await other.waitForSelector(`${ada}:not(.video)`);
    await publishes('camera muted ended,microphone live');
    await button('Camera').click();
    await other.waitForSelector(`${ada}.video`);
    await publishes('camera live,microphone live');
    await element.evaluate(({shadowRoot}) => {
      const [microphone, camera] = shadowRoot.querySelectorAll('.bar button');
      for (let i = 0; i < 10; i++) [microphone, camera][i % 2].click();
    });
    await page.waitForFunction(() => {
      const {call, shadowRoot} = document.querySelector('plenum-call');
      const pressed = [...shadowRoot.querySelectorAll('.bar button')].map((one) => one.getAttribute('aria-pressed') === 'true');
      return call.publications.every(({source, muted, tracks: [track]}) => muted !== pressed[source === 'camera' ? 1 : 0] && (source !== 'camera' || muted === (track.readyState === 'ended')));
    });
    await leave();
  });

  it('says why it was ended, and joins again', async () => {
    const {page, element, button, leave} = await embed({others: false, init: recordSockets});
    await button('Leave').waitFor();
    await page.waitForFunction(() => window.told.includes('joined'));
    await receives(page, {type: 'error', code: 'kicked', message: 'You were asked to leave.', fatal: true});
    await page.evaluate(() => window.sockets.at(-1).onclose({code: 4003}));
    await button('Join the call').waitFor();
    assert.equal(await element.locator('.note').textContent(), 'A moderator removed you from the room.');
    assert.deepEqual(await page.evaluate(() => window.told.splice(0)), ['joined', 'You were asked to leave.', 'left']);
    await button('Join the call').click();
    await page.waitForFunction(() => window.told.includes('joined'));
    assert.equal(await element.locator('.note').textContent(), '');
    await leave();
  });

  it('can be stopped while it joins, tells once that it can’t, and follows its room', async () => {
    const {page, element, button, room, leave} = await embed({attributes: '', others: false});
    await page.evaluate(() => {
      window.Real = WebSocket;
      window.WebSocket = class { static OPEN = 1; close() {} }; // the server does not answer
    });
    await button('Join the call').click();
    await button('Joining…').waitFor();
    assert.equal(await page.evaluate(() => document.querySelector('plenum-call').shadowRoot.activeElement.textContent), 'Leave', 'the focus goes to what can be done');
    await button('Leave').click();
    await button('Join the call').waitFor();
    assert.deepEqual(await page.evaluate(() => window.told), []);
    await page.evaluate(() => { window.WebSocket = window.Real; });
    await element.evaluate((one) => one.setAttribute('room', 'no room!'));
    await button('Join the call').click();
    await page.waitForFunction(() => window.told.length > 0);
    assert.match((await page.evaluate(() => window.told.splice(0))).join('|'), /^[^|]*room[^|]*$/i, 'one reason, told once');
    await element.evaluate((one, name) => {
      one.setAttribute('room', name);
      one.setAttribute('autojoin', '');
      return one.join();
    }, room);
    await element.evaluate((one, name) => one.setAttribute('room', name), `${room}-b`);
    await page.waitForFunction((name) => document.querySelector('plenum-call').call?.name === name, `${room}-b`);
    assert.deepEqual(await page.evaluate(() => window.told), ['joined', 'left', 'joined']);
    await leave();
  });
});

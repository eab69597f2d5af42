/** The app for everyone: screen readers, keyboards, languages, sizes, colours, slow networks. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {describe, it} from 'node:test';
import {fillRoom, joinAs, open, receives, recordSockets, says, sizes, stage} from './harness.js';

const axe = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** @param {import('playwright-core').Page} page @param {string} screen */
async function audit(page, screen) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe);
  const violations = await page.evaluate(async () => (await window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'],
  })).violations.map(({id, impact, nodes}) => ({id, impact, nodes: nodes.slice(0, 4).map(({html, failureSummary}) => `${html.slice(0, 120)} ${failureSummary.slice(0, 160)}`)})));
  assert.deepEqual(violations, [], screen);
}

/** What has the focus, as a name. */
const focused = (page) => page.evaluate(() => {
  const {activeElement: element} = document;
  return element?.getAttribute('aria-label') || element?.labels?.[0]?.textContent || (element === document.body ? 'body' : element?.textContent?.trim()) || element?.id;
});

describe('for everyone', () => {
  let server, browser, crowd;
  stage({}, async (made) => {
    ({server, browser} = made);
    crowd = await open(browser, `${server.url}/app/icon.svg`);
    await fillRoom(crowd, server, 'tea', ['Bob', 'Cem', 'Dot']);
  });

  for (const [colorScheme, locale, size] of [['light', 'en-US', 'laptop'], ['dark', 'zh-CN', 'laptop'], ['dark', 'en-US', 'phone'], ['light', 'zh-CN', 'phone']]) {
    it(`no screen breaks axe’s rules: ${colorScheme}, ${locale}, ${size}`, async () => {
      const page = await open(browser, server.room('tea'), {
        colorScheme, locale, size: sizes[size], init: recordSockets, reducedMotion: 'reduce', ...(size === 'phone' && {hasTouch: true, isMobile: true}),
      });
      await page.waitForFunction(() => document.querySelector('#preview').videoWidth > 0);
      await page.click('#lobby-devices summary');
      await audit(page, 'lobby');
      await page.click('#preview-camera');
      await page.waitForSelector('#preview', {state: 'hidden'});
      await audit(page, 'lobby without camera');
      await joinAs(page, 'Ada');
      await says(crowd, 0, {hand: true});
      await says(crowd, 1, {text: 'Look at https://example.org'});
      await page.waitForSelector('.tile.hand');
      if (await page.isVisible('#chat')) await page.click('#toggle-chat');
      await audit(page, 'call');
      await page.click('#toggle-chat');
      await audit(page, 'chat');
      await page.click('#toggle-chat');
      await page.click('#head-count');
      await audit(page, 'people');
      await page.click('[data-close=people]');
      await page.click('#open-more');
      await audit(page, 'menu');
      await page.click('#toggle-statistics');
      await page.waitForSelector('#statistics .stat');
      await audit(page, 'statistics');
      await page.click('[data-close=statistics]');
      await page.click('#open-reactions');
      await audit(page, 'reactions');
      await page.keyboard.press('Escape');
      for (const dialog of ['settings', 'help']) {
        await page.click('#open-more');
        await page.click(`#open-${dialog}`);
        await page.waitForSelector(`#${dialog}[open]`);
        await audit(page, dialog);
        await page.click(`#${dialog} [data-close]`);
      }
      await receives(page, {type: 'drain', after: 600});
      await page.evaluate(() => {
        const socket = window.sockets.at(-1);
        window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({code: 1006}), 50); } close() {} };
        socket.onclose({code: 1006});
      });
      await page.waitForSelector('[data-banner=state] button');
      await audit(page, 'reconnecting');
      await says(crowd, 0, {hand: false});
      await page.leave();
    });
  }

  it('a call by keyboard alone: from the lobby, through the call, and out', async () => {
    const page = await open(browser, server.room('tea'));
    const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    /** Tabs until something of that name has the focus: whatever can't be reached so, fails. */
    const tabTo = async (name, key = 'Tab') => {
      const passed = [];
      while (!(await focused(page))?.startsWith(name)) {
        assert.ok(passed.length < 80, `${name} was not reached: ${passed.join(', ')}`);
        await press(key);
        passed.push(await focused(page));
      }
      assert.equal(await page.evaluate(() => document.activeElement.matches(':focus-visible')), true, `the focus on ${name} can be seen`);
    };
    await page.waitForFunction(() => document.activeElement?.id === 'name');
    await page.keyboard.type('Ada');
    await tabTo('Camera, microphone and speakers', 'Shift+Tab');
    await press('Enter');
    await tabTo('Mirror', 'Tab');
    await press('Space');
    await page.waitForSelector('#preview:not(.mirrored)');
    await tabTo('Camera', 'Shift+Tab'); // the list
    await tabTo('Camera, microphone', 'Shift+Tab');
    await press('Enter', 'Shift+Tab');
    assert.equal(await focused(page), 'Camera');
    await press('Space');
    await page.waitForSelector('#preview', {state: 'hidden'});
    await press('Space');
    await page.waitForFunction(() => document.querySelector('#preview').videoWidth > 0);
    await tabTo('Join');
    await press('Enter');
    await page.waitForSelector('#call:not([hidden])');
    await press('Tab');
    assert.equal(await focused(page), 'Skip to the controls');
    await press('Enter', 'Tab');
    assert.equal(await focused(page), 'Microphone');
    await page.waitForSelector('#toggle-mic[aria-pressed=true]');
    await press('Space');
    await page.waitForSelector('#toggle-mic[aria-pressed=false]');
    const order = [];
    for (let i = 0; i < 7; i++) {
      await press('Tab');
      order.push((await focused(page)).split(',')[0]);
    }
    assert.deepEqual(order, ['Camera', 'Share screen', 'Raise hand', 'Reactions', 'Chat', 'More', 'Leave']);
    await tabTo('Raise hand', 'Shift+Tab');
    await press('Space');
    await page.waitForSelector('.tile[data-local=true].hand');
    await press('Tab', 'Enter');
    await page.waitForSelector('#reactions:popover-open');
    await Promise.all([page.waitForSelector('.tile[data-local=true] .reaction'), press('Tab', 'Enter')]);
    await page.waitForSelector('#reactions:popover-open', {state: 'detached'});
    assert.equal(await focused(page), 'Reactions');
    await tabTo('Share screen', 'Shift+Tab');
    await press('Enter');
    await page.waitForSelector('[data-banner=screen]');
    await press('Space');
    await page.waitForSelector('[data-banner=screen]', {state: 'detached'});
    await tabTo('More');
    await press('Enter');
    await page.waitForSelector('#more:popover-open');
    await press('Tab');
    assert.equal(await focused(page), 'People');
    await press('Enter');
    await page.waitForSelector('#people:not([hidden])');
    assert.equal(await focused(page), 'Close');
    await press('Escape');
    assert.equal(await focused(page), 'More');
    await press('Enter');
    await tabTo('Settings');
    await press('Enter');
    await page.waitForSelector('#settings[open]');
    await tabTo('Sounds when people');
    await press('Space');
    assert.equal(await page.isChecked('#settings >> text=Sounds when people'), true);
    await press('Escape');
    await page.waitForSelector('#settings:not([open])', {state: 'attached'});
    assert.equal(await focused(page), 'More', 'the focus returns to where the dialog was opened');
    if (await page.isVisible('#chat')) await press('c');
    await press('c');
    await page.waitForSelector('#chat:not([hidden])');
    assert.equal(await focused(page), 'Message');
    await page.keyboard.type('hello m');
    await press('Enter');
    await page.waitForSelector('#chat-log li.mine:has-text("hello m")');
    assert.equal(await page.getAttribute('#toggle-mic', 'aria-pressed'), 'false', 'typing an m mutes nothing');
    await press('Escape');
    assert.equal(await focused(page), 'Chat');
    await tabTo('Pin Bob', 'Shift+Tab');
    await press('Enter');
    await page.waitForSelector('.tile.large[aria-label^="Bob"]');
    assert.equal(await focused(page), 'Unpin Bob', 'the focus stays');
    await tabTo('Leave');
    await press('Enter');
    await page.waitForSelector('#lobby:not([hidden])');
    assert.equal(await focused(page), 'Join again');
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('tells screen readers what happens, once each, and what a tile shows', async () => {
    const page = await open(browser, server.room('spoken'), {init: recordSockets});
    const others = await open(browser, `${server.url}/readyz`);
    await joinAs(page, 'Ada');
    await page.evaluate(() => {
      window.spoken = [];
      const live = [...document.querySelectorAll('#call [role=log], #call [role=status], #call [role=alert]')];
      for (const region of live) {
        new MutationObserver((records) => {
          for (const {addedNodes, target} of records) {
            if (target.closest?.('[aria-hidden=true]')) continue; // the seconds
            for (const node of addedNodes) if (node.textContent) window.spoken.push(`${region.id}: ${node.textContent}`);
          }
        }).observe(region, {childList: true, subtree: true});
      }
    });
    const spoken = (text) => page.waitForFunction((part) => window.spoken.some((one) => one.includes(part)), text);
    await fillRoom(others, server, 'spoken', ['Bob']);
    await spoken('notices: Bob joined');
    await says(others, 0, {hand: true});
    await spoken('notices: Bob raised a hand');
    await says(others, 0, {reaction: '👏'});
    await spoken('notices: Bob: 👏');
    if (await page.isVisible('#chat')) await page.click('#toggle-chat');
    await says(others, 0, {text: 'Can you hear me?'});
    await spoken('notices: Bob: Can you hear me?');
    await receives(page, {type: 'participant', event: 'joined', participant: {id: 'x', name: 'Eve', tracks: []}});
    await page.waitForSelector('.tile[aria-label="Eve, microphone off"]');
    await page.waitForSelector('.tile[aria-label="Bob, microphone off, hand raised"]');
    await says(others, 0, {hand: false});
    await page.waitForSelector('.tile[aria-label="Bob, microphone off"]');
    await others.evaluate(() => window.sitters[0].send('{"type":"leave"}'));
    await spoken('notices: Bob left');
    await page.evaluate(() => {
      const socket = window.sockets.at(-1);
      window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({code: 1006}), 50); } close() {} };
      socket.onclose({code: 1006});
    });
    await page.waitForFunction(() => /Trying again in \d/.test(document.querySelector('[data-banner=state]')?.textContent));
    const times = await page.evaluate(() => window.spoken.filter((one) => one.includes('The connection is lost. Reconnecting')).length);
    assert.equal(times, 1, 'the seconds are not read out');
    for (const one of ['Bob joined', 'Bob raised a hand', 'Bob left']) {
      assert.equal(await page.evaluate((part) => window.spoken.filter((text) => text.includes(part)).length, one), 1, one);
    }
    await page.leave();
    await others.leave();
  });

  it('speaks the browser’s language, and nothing is left untranslated', async () => {
    const page = await open(browser, server.room('tea'), {locale: 'zh-CN'});
    assert.equal(await page.textContent('#join'), '加入');
    assert.equal(await page.getAttribute('html', 'lang'), 'zh');
    await joinAs(page, '小明');
    await page.click('#open-more');
    await page.click('#open-settings');
    await page.waitForSelector('#settings[open]');
    const texts = await page.evaluate(() => {
      const seen = [];
      for (const element of document.querySelectorAll('#call *, dialog[open] *')) {
        seen.push(...[...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data), element.getAttribute('aria-label') ?? '');
      }
      return seen.map((text) => text.trim()).filter((text) => /[a-z]{4}/i.test(text));
    });
    const allowed = /^(English|tea|fake_device|Fake|Person \d+|.*localhost.*)/i;
    assert.deepEqual(texts.filter((text) => !allowed.test(text)), []);
    await page.leave();
  });

  it('reads from right to left where a language does: no tile leaves its place', async () => {
    const page = await joinAs(await open(browser, server.room('tea')), 'Ada');
    await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
    const boxes = await page.evaluate(() => {
      const inside = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1;
      const grid = document.querySelector('#grid').getBoundingClientRect();
      const chat = document.querySelector('#chat').getBoundingClientRect();
      const tiles = [...document.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect());
      return {
        inside: tiles.every((tile) => inside(tile, grid)), first: tiles[0].left > tiles[1].left, chatAtLeft: chat.right < grid.left + 20,
        overflow: document.documentElement.scrollWidth > innerWidth,
      };
    });
    assert.deepEqual(boxes, {inside: true, first: true, chatAtLeft: true, overflow: false});
    await page.leave();
  });

  it('fits windows from a small phone to ultra-wide, upright and on its side', async () => {
    await fillRoom(crowd, server, 'sizes', ['Eve', 'Flo', 'Gus']); // of its own: who has just closed a page may still be in the others'
    const page = await joinAs(await open(browser, server.room('sizes')), 'Ada');
    for (const size of [{width: 320, height: 568}, {width: 844, height: 390}, {width: 768, height: 1024}, {width: 3440, height: 1440}]) {
      await page.setViewportSize(size);
      await page.waitForFunction(() => {
        const grid = document.querySelector('#grid').getBoundingClientRect();
        const tiles = [...document.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect());
        const buttons = [...document.querySelectorAll('#controls button:not([hidden])')].map((one) => one.getBoundingClientRect());
        return tiles.length === 4 && tiles.every((one) => one.right <= grid.right + 1 && one.bottom <= grid.bottom + 1)
          && buttons.every((one) => one.left >= 0 && one.right <= innerWidth && one.bottom <= innerHeight && one.width >= 24 && one.height >= 24)
          && document.documentElement.scrollWidth <= innerWidth;
      }).catch(() => assert.fail(JSON.stringify(size)));
    }
    await page.leave();
  });

  it('moves nothing where people want no motion', async () => {
    const page = await joinAs(await open(browser, server.room('tea'), {reducedMotion: 'reduce'}), 'Ada');
    await Promise.all([page.waitForSelector('.reaction'), says(crowd, 0, {reaction: '🎉'})]);
    assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
    await page.leave();
  });

  it('loads under 100 KB from its own server alone, and paints after two round trips', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    const sent = new Map();
    let bytes = 0;
    session.on('Network.requestWillBeSent', ({requestId, request, initiator, timestamp, wallTime}) => {
      sent.set(requestId, {path: new URL(request.url).pathname, origin: new URL(request.url).origin, by: initiator.type, clock: wallTime - timestamp, at: wallTime * 1000});
    });
    session.on('Network.loadingFinished', ({requestId, encodedDataLength, timestamp}) => {
      bytes += encodedDataLength;
      const request = sent.get(requestId);
      Object.assign(request, {bytes: encodedDataLength, end: (timestamp + request.clock) * 1000});
    });
    await page.goto(server.room('light'), {waitUntil: 'networkidle'});
    const requests = [...sent.values()];
    assert.deepEqual([...new Set(requests.map(({origin}) => origin))], [server.url]);
    assert.ok(bytes > 20_000 && bytes < 100_000, `${bytes} bytes`);
    const {paint, origin} = await (await page.waitForFunction(() => {
      const [entry] = performance.getEntriesByName('first-contentful-paint');
      return entry && {paint: entry.startTime, origin: performance.timeOrigin};
    })).jsonValue();
    // What a script asks for is a third round trip: everything has to be named by the page itself.
    // (Who is in the room may be asked already, but nothing waits for it.)
    const before = requests.filter(({end, path}) => end < origin + paint && !path.startsWith('/rooms/'));
    assert.deepEqual(before.filter(({by}) => by === 'script').map(({path}) => path), []);
    assert.ok(before.some(({path}) => path === '/app/main.js'));
    const first = before.reduce((sum, one) => sum + one.bytes, 0);
    assert.ok(before.length <= 32 && first < 50_000, `${first} bytes in ${before.length} answers before the first paint`);
    console.log(`# ${bytes} bytes, ${first} of them in ${before.length} answers before the first paint, after ${Math.round(paint)} ms`);
    await context.close();
  });
});

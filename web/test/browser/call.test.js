/** The app in real Chromium against the real binary: what people do in a call. */
import assert from 'node:assert/strict';
import {describe, it} from 'node:test';
import {fillRoom, joinAs, open, says, sizes, stage} from './harness.js';
import {recordVoice} from './voice.js';

describe('a call', () => {
  let server, browser, ada, bob, crowd;
  const tile = (name) => `.tile[aria-label^="${name}"]`;
  const spoken = (page, text) => page.waitForFunction((part) => document.querySelector('#notices').textContent.includes(part), text);

  stage({server: ['--drain-timeout', '2s'], browser: [`--use-file-for-fake-audio-capture=${recordVoice()}`]}, async (made) => {
    ({server, browser} = made);
    ada = await joinAs(await open(browser, server.room('tea'), {permissions: ['clipboard-read', 'clipboard-write']}), 'Ada');
    bob = await joinAs(await open(browser, server.room('tea')), 'Bob');
    crowd = await open(browser, `${server.url}/app/icon.svg`);
    await ada.waitForSelector(`${tile('Bob')}.video`);
    await bob.waitForSelector(`${tile('Ada')}.video`);
  });

  it('shows who speaks', async () => {
    await ada.waitForSelector(`${tile('Bob')}.speaking`);
    await ada.waitForSelector(`[aria-label*="Bob"][aria-label*="speaking"]`);
  });

  it('shows who is muted, by picture and by name', async () => {
    await bob.click('#toggle-mic');
    await ada.waitForSelector(`${tile('Bob')}[data-muted=true][aria-label*="microphone off"]`);
    await bob.click('#toggle-mic');
    await ada.waitForSelector(`${tile('Bob')}[data-muted=false]`);
  });

  it('talks while the space bar is held', async () => {
    await bob.click('#toggle-mic');
    await ada.waitForSelector(`${tile('Bob')}[data-muted=true]`);
    await bob.focus('#call');
    await bob.keyboard.down(' ');
    await ada.waitForSelector(`${tile('Bob')}[data-muted=false]`);
    await bob.keyboard.up(' ');
    await ada.waitForSelector(`${tile('Bob')}[data-muted=true]`);
    await bob.keyboard.press('m');
    await ada.waitForSelector(`${tile('Bob')}[data-muted=false]`);
  });

  it('raises hands and throws reactions', async () => {
    await bob.keyboard.press('h');
    await ada.waitForSelector(`${tile('Bob')}.hand`);
    await spoken(ada, 'Bob raised a hand');
    await bob.click('#open-reactions');
    await Promise.all([ada.waitForSelector(`${tile('Bob')} .reaction`), bob.click('.reaction-choice >> nth=0')]); // it passes
    await bob.click('#toggle-hand');
    await ada.waitForSelector(`${tile('Bob')}:not(.hand)`);
  });

  it('counts unread messages, makes links, and keeps markup text', async () => {
    await ada.click('[data-close=chat]');
    await bob.fill('#chat-input', 'see https://example.org/x, <b>ok</b>');
    await bob.press('#chat-input', 'Enter');
    await ada.waitForSelector('#toggle-chat[data-unread="1"][aria-label="Chat, 1 unread message"]');
    await ada.click('#toggle-chat');
    const link = ada.locator('#chat-log a');
    assert.equal(await link.getAttribute('href'), 'https://example.org/x');
    assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
    assert.equal(await ada.locator('#chat-log b b').count(), 0);
    assert.equal(await ada.locator('#toggle-chat[data-unread]').count(), 0);
    assert.equal(await ada.evaluate(() => document.activeElement?.id), 'chat-input');
  });

  it('lists people, with hands first', async () => {
    await fillRoom(crowd, server, 'tea', ['Cem', 'Dot']);
    await says(crowd, 1, {hand: true});
    await ada.click('#head-count');
    await ada.waitForFunction(() => [...document.querySelectorAll('#people-list bdi')].map((one) => one.textContent).join() === 'Ada (you),Dot,Bob,Cem');
    assert.equal(await ada.textContent('#head-count'), '4 people');
    await ada.keyboard.press('Escape');
    assert.equal(await ada.isVisible('#people'), false);
  });

  it('copies a link without secrets', async () => {
    await ada.click('#copy-link');
    await spoken(ada, 'The link is copied.');
    assert.equal(await ada.evaluate(() => navigator.clipboard.readText()), `${server.url}/r/tea`);
  });

  it('says under every icon what it is', async () => {
    const captions = await ada.evaluate(() => [...document.querySelectorAll('#controls button')].map((one) => {
      const caption = one.querySelector('.caption');
      return caption.checkVisibility() && caption.scrollWidth <= caption.clientWidth ? caption.textContent : `${one.id} has none`;
    }));
    assert.deepEqual(captions, ['Microphone', 'Camera', 'Share', 'Hand', 'Reactions', 'Chat', 'More', 'Leave']);
    // Where there is no room for captions, names remain for the mouse and for screen readers.
    for (const one of await ada.locator('#call button:visible').all()) {
      assert.ok((await one.textContent()).trim() || (await one.getAttribute('aria-label') && await one.getAttribute('title')), await one.getAttribute('id'));
    }
  });

  it('pins, unpins, and changes to speaker view', async () => {
    await ada.hover(tile('Bob'));
    await ada.click(`${tile('Bob')} .tile-pin`);
    await ada.waitForSelector(`${tile('Bob')}.large`);
    assert.equal(await ada.locator('.tile.large').count(), 1);
    await ada.dblclick(`${tile('Bob')} video`);
    await ada.waitForFunction(() => !document.querySelector('.tile.large'));
    await ada.focus('#call');
    await ada.keyboard.press('l');
    await ada.waitForSelector(`${tile('Bob')}.large`); // who spoke last
    await ada.keyboard.press('l');
    await ada.waitForFunction(() => !document.querySelector('.tile.large'));
  });

  it('shows a shared screen large with people beside it, and asks for it in that size', async () => {
    await ada.evaluate(() => {
      window.wishes = [];
      const {subscribe} = window.plenum.room;
      window.plenum.room.subscribe = function record(track, wish) {
        window.wishes.push({source: track.source, ...wish});
        return subscribe.call(this, track, wish);
      };
    });
    await bob.click('#toggle-screen');
    await ada.waitForSelector('.tile.large[data-source=screen].video');
    await ada.waitForSelector(`${tile('Bob')}[data-source=camera]:not(.large)`);
    await bob.waitForSelector('[data-banner=screen]');
    await ada.waitForFunction(() => {
      const wish = window.wishes.findLast((one) => one.source === 'screen');
      return wish && Math.abs(wish.width - document.querySelector('.tile.large').getBoundingClientRect().width) < 2 && wish.priority === 2;
    });
    await bob.click('[data-banner=screen] button');
    await ada.waitForFunction(() => !document.querySelector('.tile.large'));
  });

  it('stays in the call through picture in picture and full screen', async () => {
    // Headless Chromium has no windows to put a picture in: that it is asked for is what can be seen.
    await ada.evaluate(() => { HTMLVideoElement.prototype.requestPictureInPicture = async function ask() { window.small = this; }; });
    await ada.click('#open-more');
    await ada.click('#small-window');
    assert.equal(await ada.evaluate(() => window.small instanceof HTMLVideoElement && window.small.isConnected), true);
    await ada.click('#open-more');
    await ada.click('#full-screen');
    await ada.waitForFunction(() => document.fullscreenElement?.id === 'call');
    await ada.keyboard.press('f');
    await ada.waitForFunction(() => !document.fullscreenElement);
  });

  it('changes devices in the call', async () => {
    const before = await ada.evaluate(() => window.plenum.room.publications.map((one) => one.tracks[0].id));
    await ada.click('#open-more');
    await ada.click('#open-settings');
    const options = await ada.locator('#settings [data-picker=microphone] option').count();
    assert.ok(options > 1, `${options} microphones`);
    await ada.selectOption('#settings [data-picker=microphone]', {index: 1});
    await ada.waitForFunction((ids) => window.plenum.room.publications.every((one) => one.tracks[0].readyState === 'live')
      && window.plenum.room.publications.some((one) => !ids.includes(one.tracks[0].id)), before);
    await ada.keyboard.press('Escape');
    await ada.waitForFunction(() => !document.querySelector('dialog[open]'));
  });

  it('shows statistics that live, and copies a report', async () => {
    await ada.focus('#call');
    await ada.keyboard.press('i');
    await ada.waitForFunction(() => /↓ Bob/.test(document.querySelector('#statistics table')?.textContent ?? ''));
    await ada.waitForFunction(() => document.querySelector('.plot polyline')?.getAttribute('points').split(' ').length > 3);
    await ada.click('#copy-report');
    await spoken(ada, 'The report is copied.');
    const report = JSON.parse(await ada.evaluate(() => navigator.clipboard.readText()));
    assert.equal(report.people, 4);
    assert.ok(report.tracks.length > 2 && report.history.length > 3 && /udp|tcp/.test(report.path));
    await ada.keyboard.press('Escape');
  });

  it('has a help sheet, and keys that can be switched off', async () => {
    await ada.focus('#call');
    await ada.keyboard.press('?');
    await ada.waitForSelector('#help[open]');
    assert.ok(await ada.locator('#keys dt').count() >= 12);
    await ada.keyboard.press('Escape');
    await ada.click('#open-more');
    await ada.click('#open-settings');
    await ada.uncheck('#settings .choices label:nth-of-type(2) input');
    await ada.keyboard.press('Escape');
    await ada.focus('#call');
    await ada.keyboard.press('h');
    await ada.keyboard.press('c');
    assert.equal(await ada.getAttribute('#toggle-hand', 'aria-pressed'), 'false');
    await ada.click('#open-more');
    await ada.click('#open-settings');
    await ada.check('#settings .choices label:nth-of-type(2) input');
    await ada.keyboard.press('Escape');
  });

  it('uses the window from 1 to 49 tiles and turns pages beyond', async () => {
    await fillRoom(crowd, server, 'tea', Array.from({length: 45}, (_, index) => `Person ${index}`));
    await ada.waitForFunction(() => document.querySelector('#head-count').textContent === '49 people');
    for (const [name, size] of Object.entries(sizes)) {
      await ada.setViewportSize(size);
      await ada.waitForFunction((phone) => !document.querySelector('#pager').hidden === phone
        && (phone || document.querySelectorAll('.tile').length === 49), name === 'phone');
      assert.equal(await ada.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, name);
    }
    await fillRoom(crowd, server, 'tea', ['Person 45', 'Person 46']);
    await ada.setViewportSize(sizes.wide);
    await ada.waitForFunction(() => document.querySelector('#page-of').textContent === 'Page 1 of 2');
    await ada.click('#next-page');
    await ada.waitForFunction(() => document.querySelector('#page-of').textContent === 'Page 2 of 2' && document.querySelectorAll('.tile').length === 2);
    await ada.click('#previous-page');
    await ada.setViewportSize(sizes.phone);
    await ada.click('#next-page');
    await ada.waitForFunction(() => /^Page 2 of/.test(document.querySelector('#page-of').textContent));
    await ada.focus('#call');
    await ada.keyboard.press('PageUp');
    await ada.waitForFunction(() => /^Page 1 of/.test(document.querySelector('#page-of').textContent));
    await ada.setViewportSize(sizes.laptop);
  });

  it('hears people whose tiles are on another page', async () => {
    await ada.setViewportSize(sizes.phone);
    await ada.waitForSelector('#pager:not([hidden])');
    await ada.click('#next-page');
    await ada.waitForFunction(() => !document.querySelector('.tile[aria-label^="Bob"]'));
    const playing = await ada.evaluate(() => [...document.querySelectorAll('#sounds audio')].filter((one) => !one.paused && one.srcObject.active).length);
    assert.equal(playing, 1);
    await ada.setViewportSize(sizes.laptop);
  });

  it('leaves, and is ready to join again with the same name and devices', async () => {
    // Who comes last has the last tile, and who speaks a tile on the first page: one page is enough.
    await crowd.evaluate(() => window.sitters.splice(0).forEach((one) => one.send('{"type":"leave"}')));
    await ada.waitForFunction(() => document.querySelector('#head-count').textContent === '2 people');
    await bob.click('#leave');
    await bob.waitForSelector('#lobby:not([hidden])');
    assert.equal(await bob.textContent('#lobby-note'), 'You left the room.');
    assert.equal(await bob.inputValue('#name'), 'Bob');
    await bob.waitForFunction(() => document.querySelector('#preview').videoWidth > 0);
    await bob.click('#join:has-text("Join again")');
    await ada.waitForSelector(`${tile('Bob')}.video`);
  });

  it('made no mistake on any page', () => {
    for (const page of [ada, bob]) assert.deepEqual(page.errors, []);
  });
});

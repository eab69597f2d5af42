// The app in Firefox, feature by feature, with someone in Chromium at the other end.
// Each test goes on where the one before ended.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { missing, startChromium, startFirefox } from '../harness/browsers.js';
import { startServer } from '../harness/server.js';
import { until } from '../harness/until.js';

describe('the app in Firefox', { skip: missing('/usr/bin/firefox-esr') }, () => {
  let server, chromium, firefox, fox, chrome;

  /** Whether an element is there, in the page of that person. */
  const has = (person, selector) => person.evaluate(s => Boolean(document.querySelector(s)), selector);
  const sees = (person, selector, there = true) => until(async () => await has(person, selector) === there,
    { what: `${person.name}: ${there ? '' : 'no '}${selector}`, seen: () => person.evaluate(() => document.body.innerText.slice(0, 600)) });
  const text = (person, selector) => person.evaluate(s => document.querySelector(s)?.textContent ?? '', selector);
  const says = (person, selector, part) => until(async () => (await text(person, selector)).includes(part),
    { what: `${person.name}: ${selector} says ${part}`, seen: () => text(person, selector) });
  const tile = name => `.tile[aria-label^="${name}"]`;
  const pressed = (id, state) => `#${id}[aria-pressed=${state}]`;

  before(async () => {
    server = await startServer();
    chromium = await startChromium();
    firefox = await startFirefox();
    chrome = await chromium.open(server.room('mixed'), 'Chrome');
    await chrome.joinApp();
    fox = await firefox.open(server.room('mixed'), 'Fox');
    await fox.page.setViewport({ width: 1280, height: 800 });
  });
  after(async () => {
    await chromium?.close();
    await firefox?.close();
    await server?.stop('firefox-app');
  });

  // The level is left out: without a sound card Firefox never starts an AudioContext.
  it('the lobby shows the picture, the devices and who is there', async () => {
    await until(() => fox.evaluate(() => document.querySelector('#preview').videoWidth > 0));
    await until(() => fox.evaluate(() => document.querySelector('#lobby [data-picker=microphone]').options.length > 1), { what: 'microphones' });
    await says(fox, '#present', 'Chrome is here.');
  });

  it('one joins by hand, and both see and hear each other', async () => {
    await fox.page.type('#name', 'Fox');
    await fox.page.click('#join');
    await fox.joined();
    await sees(fox, `${tile('Chrome')}.video`);
    await sees(chrome, `${tile('Fox')}.video`);
    await sees(fox, '.tile[data-local=true].video.mirrored');
    await fox.hears(chrome.id);
    await chrome.hears(fox.id);
  });

  it('mutes and unmutes microphone and camera', async () => {
    await fox.page.click('#toggle-mic');
    await sees(chrome, `${tile('Fox')}[data-muted=true]`);
    await fox.page.click('#toggle-mic');
    await sees(chrome, `${tile('Fox')}[data-muted=false]`);
    await fox.hears(chrome.id);
    await fox.page.click('#toggle-camera');
    await sees(chrome, `${tile('Fox')}:not(.video)`);
    await sees(fox, '.tile[data-local=true]:not(.video)');
    await fox.page.click('#toggle-camera');
    await sees(chrome, `${tile('Fox')}.video`);
    await chrome.seesFrames(fox.id, 5);
  });

  it('talks while the space bar is held', async () => {
    await fox.page.click('#toggle-mic');
    await sees(chrome, `${tile('Fox')}[data-muted=true]`);
    await fox.evaluate(() => document.querySelector('#call').focus());
    await fox.page.keyboard.down(' ');
    await sees(chrome, `${tile('Fox')}[data-muted=false]`);
    await fox.page.keyboard.up(' ');
    await sees(chrome, `${tile('Fox')}[data-muted=true]`);
    await fox.page.keyboard.press('m');
    await sees(chrome, `${tile('Fox')}[data-muted=false]`);
  });

  it('chats both ways, with links and unread messages', async () => {
    if (!await has(fox, '#chat:not([hidden])')) await fox.page.click('#toggle-chat');
    await fox.page.type('#chat-input', 'see https://example.org/fox');
    await fox.page.keyboard.press('Enter');
    await sees(chrome, '#chat-log a[href="https://example.org/fox"]');
    await fox.page.click('[data-close=chat]');
    await chrome.evaluate(() => {
      document.querySelector('#chat-input').value = 'thank you';
      document.querySelector('#chat-form').requestSubmit();
    });
    await sees(fox, '#toggle-chat[data-unread="1"]');
    await fox.page.click('#toggle-chat');
    await says(fox, '#chat-log', 'thank you');
    assert.equal(await has(fox, '#toggle-chat[data-unread]'), false);
    await fox.page.keyboard.press('Escape');
    await sees(fox, '#chat[hidden]');
  });

  it('raises a hand, and reacts from a menu', async () => {
    await fox.page.click('#toggle-hand');
    await sees(chrome, `${tile('Fox')}.hand`);
    await fox.page.click('#toggle-hand');
    await sees(chrome, `${tile('Fox')}:not(.hand)`);
    await fox.page.click('#open-reactions');
    await sees(fox, '#reactions:popover-open');
    await Promise.all([sees(chrome, `${tile('Fox')} .reaction`), fox.page.click('.reaction-choice')]); // it passes
    await sees(fox, '#reactions:popover-open', false);
  });

  it('changes devices in the call', async () => {
    const before = await fox.evaluate(() => window.plenum.room.publications.map(one => one.tracks[0].id));
    await fox.page.click('#open-more');
    await fox.page.click('#open-settings');
    await sees(fox, '#settings[open]');
    const id = await fox.evaluate(() => document.querySelector('#settings [data-picker=camera]').options[1].value);
    await fox.page.select('#settings [data-picker=camera]', id);
    await until(() => fox.evaluate(ids => window.plenum.room.publications.some(({ source, tracks: [track] }) =>
      source === 'camera' && !ids.includes(track.id) && track.readyState === 'live'), before), { what: 'another track' });
    await fox.page.keyboard.press('Escape');
    await sees(fox, '#settings[open]', false);
    await chrome.seesFrames(fox.id, 5);
  });

  it('pins, shows the speaker, lists people, and fits a phone', async () => {
    await fox.page.hover(tile('Chrome'));
    await fox.page.click(`${tile('Chrome')} .tile-pin`);
    await sees(fox, `${tile('Chrome')}.large`);
    await fox.page.click(`${tile('Chrome')} .tile-pin`);
    await sees(fox, '.tile.large', false);
    await fox.page.click('#toggle-view');
    await sees(fox, `${tile('Chrome')}.large`);
    await fox.page.click('#toggle-view');
    await sees(fox, '.tile.large', false);
    await fox.page.click('#head-count');
    await says(fox, '#people-list', 'Chrome');
    await fox.page.keyboard.press('Escape');
    await fox.page.setViewport({ width: 390, height: 844 });
    await until(() => fox.evaluate(() => {
      const [one, two] = [...document.querySelectorAll('.tile')].map(element => element.getBoundingClientRect());
      return innerWidth === 390 && document.documentElement.scrollWidth <= 390 && two.top > one.top && two.right <= 390;
    }), { what: 'one tile above the other' });
    await fox.page.setViewport({ width: 1280, height: 800 });
  });

  it('shares a screen and sees one', async () => {
    // Headless Firefox has no screen to share; what is drawn stands for one.
    await fox.evaluate(() => {
      navigator.mediaDevices.getDisplayMedia = async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 400 });
        const brush = canvas.getContext('2d');
        setInterval(() => { brush.fillStyle = `hsl(${performance.now() / 20} 50% 50%)`; brush.fillRect(0, 0, 640, 400); }, 100);
        return canvas.captureStream(10);
      };
    });
    await fox.page.click('#toggle-screen');
    await sees(chrome, '.tile.large[data-source=screen].video');
    await sees(fox, '[data-banner=screen]');
    await fox.page.click('[data-banner=screen] button');
    await sees(chrome, '.tile.large', false);
    await chrome.click('#toggle-screen');
    await sees(fox, '.tile.large[data-source=screen].video');
    await chrome.click('#toggle-screen');
    await sees(fox, '.tile.large', false);
  });

  it('shows statistics with numbers and plots', async () => {
    await fox.evaluate(() => document.querySelector('#call').focus());
    await fox.page.keyboard.press('i');
    await until(async () => /↓ Chrome/.test(await text(fox, '#statistics table')), { what: 'a row of Chrome', seen: () => text(fox, '#statistics') });
    await until(() => fox.evaluate(() => (document.querySelector('.plot polyline')?.getAttribute('points') ?? '').split(' ').length > 3), { what: 'a plot' });
    assert.match(await text(fox, '#statistics'), /bit\/s/);
    await fox.page.keyboard.press('i');
    await sees(fox, '#statistics[hidden]');
  });

  it('says that the connection is lost, and comes back when asked to', async () => {
    await fox.evaluate(() => {
      const Real = window.WebSocket;
      window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({ code: 1006 }), 20); } close() {} };
      window.heal = () => { window.WebSocket = Real; };
      window.e2e.sockets.at(-1).close(4999);
    });
    await says(fox, '[data-banner=state]', 'Trying again in');
    await fox.evaluate(() => window.heal());
    await fox.evaluate(() => document.querySelector('[data-banner=state] button')?.click()); // unless it was back before
    await sees(fox, '[data-banner=state]', false);
    await fox.seesFrames(chrome.id, 5);
    await sees(chrome, `${tile('Fox')}.video`);
  });

  it('offers a small window and the full screen', async () => {
    await fox.page.click('#open-more');
    await sees(fox, '#small-window:not([hidden])');
    await sees(fox, '#full-screen:not([hidden])');
    await fox.page.keyboard.press('Escape');
  });

  it('leaves, keeps name and devices, and joins again', async () => {
    await fox.page.click('#leave');
    await sees(fox, '#lobby:not([hidden])');
    assert.equal(await text(fox, '#lobby-note'), 'You left the room.');
    assert.equal(await fox.evaluate(() => document.querySelector('#name').value), 'Fox');
    await sees(chrome, tile('Fox'), false);
    await until(() => fox.evaluate(() => document.querySelector('#preview').videoWidth > 0));
    await fox.page.click('#join');
    await sees(chrome, `${tile('Fox')}.video`);
    assert.deepEqual(await fox.evaluate(() => window.e2e.errors), []);
  });

  it('speaks Chinese where that is wanted', async () => {
    const other = await firefox.open(`${server.room('mixed')}?lang=zh`, '小明');
    await says(other, '#join', '加入');
    await says(other, '#present', 'Chrome和Fox在房间里。');
    await other.close();
  });
});

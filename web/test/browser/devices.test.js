/** Cameras and sounds: what the lobby and the call do with what is plugged in. */
import assert from 'node:assert/strict';
import {describe, it} from 'node:test';
import {fillRoom, joinAs, open, recordDevices, says, sizes, stage} from './harness.js';

/** Runs in a page before its scripts: keeps the notes that are played. */
function recordNotes() {
  window.notes = [];
  window.OscillatorNode = class extends OscillatorNode {
    constructor(context, options) {
      super(context, options);
      window.notes.push(options.frequency);
    }
  };
}

/** As on systems that can blur the background themselves. */
function blurring() {
  const {getCapabilities, applyConstraints} = MediaStreamTrack.prototype;
  window.blurred = [];
  MediaStreamTrack.prototype.getCapabilities = function capable() {
    return {...getCapabilities.call(this), ...(this.kind === 'video' && {backgroundBlur: [true, false]})};
  };
  MediaStreamTrack.prototype.applyConstraints = function apply(constraints) {
    if (!('backgroundBlur' in constraints)) return applyConstraints.call(this, constraints);
    window.blurred.push(constraints.backgroundBlur);
    return Promise.resolve();
  };
}

describe('devices', () => {
  let server, browser;
  const phone = {size: sizes.phone, isMobile: true, hasTouch: true};
  const track = (page) => page.evaluate(() => {
    const [one] = document.querySelector('#call:not([hidden])')
      ? window.plenum.room.publications.find(({source}) => source === 'camera').tracks : document.querySelector('#preview').srcObject.getTracks();
    return {id: one.id, device: one.getSettings().deviceId, live: one.readyState === 'live'};
  });

  stage({browser: ['--use-fake-device-for-media-stream=device-count=2,fps=10']}, (made) => { ({server, browser} = made); });

  it('the lobby changes cameras, and the call goes on with the chosen one', async () => {
    const page = await open(browser, server.room('tea'));
    await page.waitForFunction(() => document.querySelector('#preview').videoWidth > 0 && document.querySelector('#lobby [data-picker=camera]').options.length === 3);
    const first = await track(page);
    const [, ...ids] = await page.evaluate(() => [...document.querySelector('#lobby [data-picker=camera]').options].map(({value}) => value));
    const other = ids.find((id) => id !== first.device);
    await page.click('#lobby-devices summary');
    await page.selectOption('#lobby [data-picker=camera]', other);
    await page.waitForFunction((id) => document.querySelector('#preview').srcObject?.getTracks()[0]?.getSettings().deviceId === id, other);
    await joinAs(page, 'Ada');
    await page.waitForSelector('.tile[data-local=true].video');
    assert.equal((await track(page)).device, other);
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('one’s own picture is mirrored, unless one does not want it; nobody else’s is', async () => {
    const page = await open(browser, server.room('tea'));
    const bob = await joinAs(await open(browser, server.room('tea')), 'Bob');
    await page.waitForSelector('#preview.mirrored');
    await page.click('#lobby-devices summary');
    await page.uncheck('#lobby .pickers >> text=Mirror my own picture');
    await page.waitForSelector('#preview:not(.mirrored)');
    await joinAs(page, 'Ada');
    await page.waitForSelector('.tile[data-local=true].video:not(.mirrored)');
    await page.click('#open-more');
    await page.click('#open-settings');
    await page.check('#settings >> text=Mirror my own picture');
    await page.waitForSelector('.tile[data-local=true].mirrored');
    await page.waitForSelector('.tile[data-local=false].video:not(.mirrored)');
    assert.equal(await page.evaluate(() => new DOMMatrix(getComputedStyle(document.querySelector('.tile.mirrored video')).transform).a), -1);
    await page.keyboard.press('Escape');
    await page.click('#leave');
    await page.waitForSelector('#preview.mirrored');
    assert.equal(await page.isChecked('#lobby .pickers >> text=Mirror my own picture'), true, 'the lobby knows of it');
    await page.leave();
    await bob.leave();
  });

  it('the background is blurred where the system can, and stays so when the camera comes back', async () => {
    const page = await open(browser, server.room('tea'), {init: [recordDevices, blurring]});
    const box = '#lobby .pickers >> text=Blur my background';
    await page.waitForFunction(() => document.querySelector('#preview').videoWidth > 0);
    await page.click('#lobby-devices summary');
    await page.check(box);
    assert.deepEqual(await page.evaluate(() => window.blurred), [true]);
    await joinAs(page, 'Ada');
    await page.waitForSelector('#toggle-camera[aria-pressed=true]');
    await page.click('#toggle-camera');
    await page.waitForSelector('#toggle-camera[aria-pressed=false]');
    await page.click('#toggle-camera');
    await page.waitForSelector('#toggle-camera[aria-pressed=true]');
    assert.deepEqual(await page.evaluate(() => window.asked.at(-1).video.backgroundBlur), {ideal: true});
    await page.leave();
  });

  it('nobody is offered a blur that the system can’t do', async () => {
    const page = await open(browser, server.room('tea'));
    await page.waitForFunction(() => document.querySelector('#preview').videoWidth > 0);
    await page.click('#lobby-devices summary');
    await page.waitForSelector('#lobby .pickers >> text=Mirror my own picture');
    assert.equal(await page.isVisible('#lobby .pickers >> text=Blur my background'), false);
    await page.leave();
  });

  it('a phone changes between front and back in the call', async () => {
    const bob = await joinAs(await open(browser, server.room('phone')), 'Bob');
    const page = await joinAs(await open(browser, server.room('phone'), {...phone, init: recordDevices}), 'Ada');
    await page.waitForSelector('.tile[data-local=true].video.mirrored');
    await bob.waitForSelector('.tile[aria-label^="Ada"].video');
    const front = await page.evaluateHandle(() => window.plenum.room.publications.find(({source}) => source === 'camera').tracks[0]);
    await page.click('#open-more');
    await page.click('#flip-camera');
    await page.waitForFunction((old) => {
      const [now] = window.plenum.room.publications.find(({source}) => source === 'camera').tracks;
      return old.readyState === 'ended' && now.readyState === 'live';
    }, front);
    assert.equal(await page.evaluate(() => window.asked.at(-1).video.facingMode), 'environment');
    await page.waitForSelector('.tile[data-local=true].video:not(.mirrored)');
    const frames = () => bob.evaluate(() => document.querySelector('.tile[aria-label^="Ada"] video').getVideoPlaybackQuality().totalVideoFrames);
    const before = await frames();
    await bob.waitForFunction((seen) => document.querySelector('.tile[aria-label^="Ada"] video').getVideoPlaybackQuality().totalVideoFrames > seen + 5, before);
    await page.click('#open-more');
    await page.click('#flip-camera');
    await page.waitForSelector('.tile[data-local=true].video.mirrored');
    assert.equal(await page.evaluate(() => 'facingMode' in window.asked.at(-1).video), false);
    assert.deepEqual(page.errors, []);
    await page.leave();
    await bob.leave();
  });

  it('a computer has no other side', async () => {
    const page = await joinAs(await open(browser, server.room('tea')), 'Ada');
    await page.click('#open-more');
    await page.waitForSelector('#full-screen');
    assert.equal(await page.isVisible('#flip-camera'), false);
    await page.leave();
  });

  it('coming and going sounds only for whoever wants it', async () => {
    const page = await joinAs(await open(browser, server.room('sounds'), {init: recordNotes}), 'Ada');
    const crowd = await open(browser, `${server.url}/readyz`);
    const count = (text) => page.waitForFunction((wanted) => document.querySelector('#head-count').textContent === wanted, text);
    const leaves = () => crowd.evaluate(() => window.sitters.pop().send('{"type":"leave"}'));
    await fillRoom(crowd, server, 'sounds', ['Bob']);
    await count('2 people');
    await leaves();
    await count('only you');
    assert.deepEqual(await page.evaluate(() => window.notes), [], 'silent unless asked for');
    await page.click('#open-more');
    await page.click('#open-settings');
    await page.check('#settings >> text=Sounds when people join and leave');
    await page.keyboard.press('Escape');
    await fillRoom(crowd, server, 'sounds', ['Cem']);
    await count('2 people');
    await page.waitForFunction(() => window.notes.join() === '523,784', undefined, {timeout: 5000});
    await says(crowd, 0, {text: 'Here we are'}); // a message is silent
    await page.waitForSelector('#chat-log:has-text("Here we are")', {state: 'attached'});
    await leaves();
    await page.waitForFunction(() => window.notes.join() === '523,784,784,523', undefined, {timeout: 5000});
    assert.deepEqual(page.errors, []);
    await page.leave();
    await crowd.leave();
  });
});

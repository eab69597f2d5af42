/**
 * Browsers that lack what Chromium has. Safari does not run here, so Chromium plays
 * its part: what older Safaris, and Safari on phones, don't have is taken away
 * before the page's scripts run, and its rule that nothing plays before a touch is kept.
 */
import assert from 'node:assert/strict';
import {describe, it} from 'node:test';
import {joinAs, open, sizes, stage} from './harness.js';

/** Runs in the page before its scripts. */
function poorer() {
  const remove = (holder, ...names) => {
    for (const name of names) {
      for (let at = holder; at; at = Object.getPrototypeOf(at)) delete at[name];
    }
  };
  remove(HTMLElement.prototype, 'popover', 'showPopover', 'hidePopover', 'togglePopover');
  remove(HTMLButtonElement.prototype, 'popoverTargetElement', 'popoverTargetAction');
  // The attribute would still work, so that the page finds another in its place.
  addEventListener('DOMContentLoaded', () => {
    for (const menu of document.querySelectorAll('[popover]')) menu.removeAttribute('popover');
  });
  remove(HTMLMediaElement.prototype, 'setSinkId', 'sinkId');
  remove(HTMLVideoElement.prototype, 'requestPictureInPicture', 'requestVideoFrameCallback');
  remove(document, 'pictureInPictureEnabled', 'fullscreenEnabled', 'exitFullscreen', 'fullscreenElement');
  remove(Element.prototype, 'requestFullscreen');
  remove(navigator.mediaDevices, 'getDisplayMedia');
  remove(navigator, 'connection', 'permissions', 'wakeLock');
  remove(MediaStreamTrack.prototype, 'getCapabilities', 'contentHint');
  remove(RTCRtpSender.prototype, 'setStreams');
  remove(RTCRtpTransceiver.prototype, 'setCodecPreferences');
  remove(window, 'requestIdleCallback', 'cancelIdleCallback');
  remove(Intl, 'ListFormat');
  remove(URL, 'canParse', 'parse');
  remove(Promise, 'withResolvers', 'try');
  remove(AbortSignal, 'any', 'timeout');
  remove(Object, 'groupBy');
  remove(Map, 'groupBy');
  remove(Array.prototype, 'toSorted', 'toSpliced', 'toReversed', 'with');
  remove(Set.prototype, 'union', 'intersection', 'difference', 'isSubsetOf');
  remove(Iterator.prototype, 'map', 'filter', 'toArray', 'some');
  // Elements play once the page was touched; muted ones too while the battery is low.
  const {play} = HTMLMediaElement.prototype;
  window.touched = false;
  for (const event of ['pointerup', 'keydown']) addEventListener(event, ({isTrusted}) => { window.touched ||= isTrusted && window.touchable; }, true);
  HTMLMediaElement.prototype.play = function asked() {
    return window.touched ? play.call(this) : Promise.reject(new DOMException('', 'NotAllowedError'));
  };
}

describe('a browser with less', () => {
  let server, browser, page, bob;
  stage({browser: ['--autoplay-policy=user-gesture-required']}, async (made) => {
    ({server, browser} = made);
    bob = await joinAs(await open(browser, server.room('tea')), 'Bob');
    page = await open(browser, server.room('tea'), {init: poorer, size: sizes.phone});
  });

  it('shows its lobby, without the choice of speakers', async () => {
    await page.waitForFunction(() => document.querySelector('#preview').srcObject);
    await page.click('#lobby-devices summary');
    assert.equal(await page.locator('#lobby [data-picker=speaker]').count(), 0);
    assert.equal(await page.locator('#lobby [data-picker=camera]').count(), 1);
    await joinAs(page, 'Ada');
    await bob.waitForSelector('.tile[aria-label^="Ada"].video');
  });

  it('asks for a touch where nothing may play, and then plays everything', async () => {
    await page.waitForSelector('[data-banner=blocked]:has-text("plays nothing until you say so")');
    await page.evaluate(() => { window.touchable = true; });
    await page.click('[data-banner=blocked] button');
    await page.waitForSelector('[data-banner=blocked]', {state: 'detached'});
    await page.waitForFunction(() => [...document.querySelectorAll('#sounds audio')].some((one) => !one.paused && one.srcObject.active));
    await page.waitForSelector('.tile[aria-label^="Bob"].video');
  });

  it('offers nothing that it can’t do', async () => {
    await page.click('#open-more');
    await page.waitForSelector('#open-settings');
    for (const id of ['full-screen', 'small-window', 'toggle-screen']) assert.equal(await page.isVisible(`#${id}`), false, id);
    await page.click('#open-more');
    await page.focus('#call');
    for (const key of ['f', 's']) await page.keyboard.press(key); // keys are there all the same
    await page.waitForSelector('.notice:has-text("can’t share a screen")');
    assert.deepEqual(page.errors, []);
  });

  it('has menus all the same', async () => {
    assert.equal(await page.isVisible('#more'), false);
    await page.click('#open-more');
    assert.equal(await page.isVisible('#more'), true);
    assert.equal(await page.getAttribute('#open-more', 'aria-expanded'), 'true');
    await page.keyboard.press('Escape');
    assert.equal(await page.isVisible('#more'), false);
    await page.click('#open-reactions');
    await Promise.all([page.waitForSelector('.tile[data-local=true] .reaction'), page.click('.reaction-choice >> nth=0')]);
    assert.equal(await page.isVisible('#reactions'), false);
    await page.click('#open-more');
    await page.click('#open-settings');
    await page.waitForSelector('#settings[open]');
    await page.click('#settings [data-close]');
    assert.equal(await page.isVisible('#more'), false);
  });

  it('does what a call is for: mute, camera, chat, hand, leave and join again', async () => {
    await page.click('#toggle-mic');
    await bob.waitForSelector('.tile[aria-label^="Ada"][data-muted=true]');
    await page.click('#toggle-camera');
    await bob.waitForSelector('.tile[aria-label^="Ada"]:not(.video)');
    await page.click('#toggle-camera');
    await bob.waitForSelector('.tile[aria-label^="Ada"].video');
    await page.click('#toggle-hand');
    await bob.waitForSelector('.tile[aria-label^="Ada"].hand');
    await page.click('#toggle-chat');
    await page.fill('#chat-input', 'see https://example.org/');
    await page.press('#chat-input', 'Enter');
    await bob.waitForSelector('#chat-log a[href="https://example.org/"]', {state: 'attached'});
    await page.click('[data-close=chat]');
    await page.click('#leave');
    await page.waitForSelector('#join:has-text("Join again")');
    await page.click('#join');
    await bob.waitForSelector('.tile[aria-label^="Ada"].video');
    assert.deepEqual(page.errors, []);
  });

  it('takes the address’s codec as a wish, not as a condition', async () => {
    await page.goto(`${server.room('tea')}&codec=AV1&simulcast=1`);
    await joinAs(page, 'Ada');
    await bob.waitForSelector('.tile[aria-label^="Ada"].video');
    assert.deepEqual(page.errors, []);
  });
});

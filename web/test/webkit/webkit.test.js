/**
 * The app in Safari's engine: all of it but media, for WebKitGTK comes without WebRTC.
 * In the call a stub stands in for the peer connection; everything else is real.
 */
import assert from 'node:assert/strict';
import {writeFileSync} from 'node:fs';
import {after, before, describe, it} from 'node:test';
import {startServer} from '../browser/harness.js';
import {WebKit} from './driver.js';

const folder = process.env.SCREENSHOTS; // where to put pictures to look at

/** Runs in the page: a peer connection that never gets anywhere. */
function withoutMedia() {
  const transceiver = () => ({
    mid: null, direction: 'inactive', currentDirection: null, receiver: {track: null}, stop() {}, setCodecPreferences() {},
    sender: {track: null, async replaceTrack() {}, setStreams() {}, getParameters: () => ({encodings: []}), async setParameters() {}},
  });
  window.RTCPeerConnection = class extends EventTarget {
    iceConnectionState = 'new';
    connectionState = 'new';
    signalingState = 'stable';
    addTransceiver() { return transceiver(); }
    getTransceivers() { return []; }
    setLocalDescription() { return new Promise(() => {}); }
    async getStats() { return new Map(); }
    close() {}
  };
  window.RTCRtpReceiver = window.RTCRtpSender = {getCapabilities: () => null};
  window.mistakes = [];
  addEventListener('error', ({message}) => window.mistakes.push(message));
  addEventListener('unhandledrejection', ({reason}) => window.mistakes.push(String(reason)));
}

/** Runs in the page: whether a dialog is what one sees in the middle. WebKit's screenshots leave dialogs out. */
const atTheTop = (id) => document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest('dialog')?.id === id;

describe('the app in WebKit', () => {
  let server, webkit;
  /** Others who are there, without media: sockets in the same page, in their order. */
  async function others(...names) {
    for (const name of names) {
      await webkit.evaluate((who) => {
        const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws?room=tea&name=${who}`, ['plenum.v1']);
        (window.others ??= []).push(socket);
        socket.onmessage = () => { socket.joined = true; };
      }, name);
      await webkit.until(() => window.others.at(-1).joined);
    }
  }
  const says = (index, body) => webkit.evaluate((at, message) => window.others[at].send(JSON.stringify({type: 'message', body: message})), index, body);
  const picture = async (name) => { if (folder) writeFileSync(`${folder}/webkit-${name}.png`, await webkit.screenshot()); };
  before(async () => {
    server = await startServer();
    webkit = await WebKit.start({width: 1366, height: 900});
  });
  after(async () => {
    await webkit?.close();
    await server?.stop();
  });

  it('shows the lobby, with camera, level and devices', async () => {
    await webkit.goto(server.room('tea'));
    await webkit.until(() => document.querySelector('#preview').videoWidth > 0);
    await webkit.until(() => Number(document.querySelector('#level').getAttribute('aria-valuenow')) > 0);
    await webkit.sees('#present', 'Nobody is here yet.');
    await webkit.click('#lobby-devices summary');
    assert.ok(await webkit.until(() => document.querySelector('#lobby [data-picker=camera]').options.length > 1));
    await webkit.click('#preview-camera');
    await webkit.until(() => !document.querySelector('#preview').checkVisibility());
    await webkit.click('#preview-camera');
    await webkit.until(() => document.querySelector('#preview').checkVisibility());
    assert.equal(await webkit.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
    await picture('lobby');
  });

  it('says that it can’t make calls where it can’t', async () => {
    assert.equal(await webkit.evaluate(() => typeof RTCPeerConnection), 'undefined', 'with WebRTC these tests should make calls');
    await webkit.type('#name', 'Ada');
    await webkit.click('#join');
    await webkit.sees('#lobby-note', 'This browser can’t make calls');
    await picture('no-calls');
  });

  it('has a call with people, chat, hands, reactions, menus and keys', async () => {
    await webkit.evaluate(withoutMedia);
    await webkit.click('#join');
    await webkit.sees('#call');
    await others('Bob', 'Cem', 'Dot');
    await webkit.sees('.tile', 'Bob');
    await webkit.until(() => document.querySelectorAll('.tile').length === 4);
    await says(0, {text: 'Hello, see https://example.org'});
    if (!await webkit.evaluate(() => document.querySelector('#chat').checkVisibility())) await webkit.click('#toggle-chat');
    await webkit.sees('#chat-log li', 'Hello, see https://example.org');
    await webkit.type('#chat-input', 'Good morning\uE007');
    await webkit.sees('#chat-log li.mine', 'Good morning');
    await says(0, {hand: true});
    await webkit.sees('.tile.hand', 'Bob');
    await webkit.click('#open-reactions');
    await Promise.all([webkit.sees('.tile[data-local=true] .reaction'), webkit.click('.reaction-choice')]);
    await picture('call');
    await webkit.click('#head-count');
    await webkit.until(() => [...document.querySelectorAll('#people-list bdi')].map((one) => one.textContent).join() === 'Ada (you),Bob,Cem,Dot');
    await webkit.evaluate(() => document.querySelector('#call').focus());
    await webkit.press('?');
    await webkit.until(atTheTop, 'help');
    await webkit.press('\uE00C');
    await webkit.until(() => !document.querySelector('#help').open);
    await webkit.click('#open-more');
    await webkit.click('#open-settings');
    await webkit.until(atTheTop, 'settings');
    await webkit.press('\uE00C');
    await webkit.until(() => !document.querySelector('#settings').open);
    await webkit.evaluate(() => document.querySelector('#call').focus());
    await webkit.press('l');
    await webkit.sees('.tile.large');
    await picture('speaker');
    await webkit.press('l');
    await webkit.until(() => !document.querySelector('.tile.large'));
    await webkit.press('m');
    await webkit.until(() => document.querySelector('#toggle-mic').getAttribute('aria-pressed') === 'false');
    assert.equal(await webkit.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
  });

  it('leaves, keeps the name, and made no mistake', async () => {
    await webkit.click('#leave');
    await webkit.sees('#lobby');
    assert.deepEqual(await webkit.evaluate(() => [document.querySelector('#name').value, window.mistakes]), ['Ada', []]);
  });
});

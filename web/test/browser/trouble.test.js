/** What goes wrong before and in a call, and the way on from there. */
import assert from 'node:assert/strict';
import {after, describe, it} from 'node:test';
import {fillRoom, joinAs, open, receives, recordSockets, stage, startBrowser, startServer} from './harness.js';

/** Runs in the page: getUserMedia fails for what is named, as browsers do. */
function failing({camera, microphone}) {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.broken = {camera, microphone};
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    const name = (constraints.video && window.broken.camera) || (constraints.audio && window.broken.microphone);
    if (name) throw new DOMException('', name);
    return real(constraints);
  };
}

describe('trouble before the call', () => {
  let server, browser;
  stage({server: ['--max-room-participants', '2']}, (made) => { ({server, browser} = made); });
  const lobby = (init, initArgument, room = 'tea') => open(browser, server.room(room), {init, initArgument});

  for (const [name, text] of [
    ['NotAllowedError', /camera is blocked/], ['NotReadableError', /in use by another program/], ['NotFoundError', /No camera was found/], ['TypeError', /could not be opened/],
  ]) {
    it(`a camera that fails with ${name} is explained, and one joins without it or tries again`, async () => {
      const page = await lobby(failing, {camera: name});
      await page.waitForFunction((pattern) => new RegExp(pattern).test(document.querySelector('#preview-note').textContent), text.source);
      assert.equal(await page.textContent('#join'), 'Join without camera');
      await page.evaluate(() => { window.broken = {}; });
      await page.click('[data-testid=retry-devices]');
      await page.waitForFunction(() => document.querySelector('#preview').videoWidth > 0);
      assert.equal(await page.textContent('#join'), 'Join');
      assert.deepEqual(page.errors, []);
      await page.leave();
    });
  }

  it('without any device one still joins, and is heard once there is a microphone', async () => {
    const page = await lobby(failing, {camera: 'NotFoundError', microphone: 'NotFoundError'}, 'bare');
    await page.waitForSelector('#join:has-text("Join without camera and microphone")');
    await joinAs(page, 'Ada');
    await page.click('#toggle-mic');
    await page.waitForSelector('.notice:has-text("No microphone was found")');
    await page.evaluate(() => { window.broken = {}; });
    await page.click('#toggle-mic');
    await page.waitForSelector('#toggle-mic[aria-pressed=true]');
    await page.leave();
  });

  it('an insecure page says so, and still joins', async () => {
    const page = await lobby(() => Object.defineProperty(navigator, 'mediaDevices', {value: undefined}), undefined, 'insecure');
    await page.waitForFunction(() => /only on https pages/.test(document.querySelector('#preview-note').textContent));
    await joinAs(page, 'Ada');
    assert.equal(await page.isVisible('#toggle-screen'), false);
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('a browser that can’t make calls says so', async () => {
    const page = await lobby(() => { delete window.RTCPeerConnection; }, undefined, 'no-calls');
    await page.fill('#name', 'Ada');
    await page.click('#join');
    await page.waitForSelector('#lobby-note:has-text("This browser can’t make calls")');
    assert.equal(await page.inputValue('#name'), 'Ada');
    assert.deepEqual(page.errors, []);
    await page.leave();
  });

  it('a browser that really denies is understood', async (context) => {
    const strict = await startBrowser(['--use-fake-device-for-media-stream', '--deny-permission-prompts'], {fakeDevices: false});
    context.after(() => strict.close());
    const page = await open(strict, server.room('denied'));
    await page.waitForFunction(() => /Camera and microphone are blocked/.test(document.querySelector('#preview-note').textContent));
  });

  it('a full room is told, and tried again', async () => {
    const crowd = await open(browser, `${server.url}/app/icon.svg`);
    await fillRoom(crowd, server, 'full', ['Bob', 'Cem']);
    const page = await lobby(undefined, undefined, 'full');
    await page.fill('#name', 'Ada');
    await page.click('#join');
    await page.waitForSelector('#lobby-note:has-text("This room is full")');
    await crowd.evaluate(() => window.sitters[0].send('{"type":"leave"}'));
    await page.waitForSelector('#present:has-text("Cem is here.")');
    await page.click('#join:has-text("Join again")');
    await page.waitForSelector('#call:not([hidden])');
    await page.leave();
    await crowd.leave();
  });

  it('an unreachable server is told; joining can be cancelled', async (context) => {
    const other = await startServer();
    context.after(() => other.stop());
    const page = await open(browser, other.room('tea'));
    await page.fill('#name', 'Ada');
    await page.evaluate(() => {
      window.Real = WebSocket;
      window.WebSocket = class { constructor() { window.dialed = true; } close() {} }; // the server does not answer
    });
    await page.click('#join');
    await page.waitForFunction(() => window.dialed); // so all of the app is there
    await page.waitForSelector('#cancel-join:not([hidden])');
    await page.click('#cancel-join');
    await page.waitForSelector('#cancel-join', {state: 'hidden'});
    assert.equal(await page.textContent('#lobby-note'), '');
    await other.stop();
    await page.evaluate(() => { window.WebSocket = window.Real; });
    await page.click('#join');
    await page.waitForSelector('#lobby-note:has-text("can’t be reached")');
    assert.equal(await page.inputValue('#name'), 'Ada');
    await page.leave();
  });

  it('a server that is gone before the call’s own modules have come is told, and tried again', async () => {
    const page = await open(browser, 'about:blank');
    await page.route('**/app/views/call.js', (route) => route.abort());
    await page.goto(server.room('half'));
    await page.fill('#name', 'Ada');
    await page.click('#join');
    await page.waitForSelector('#lobby-note:has-text("can’t be reached")');
    await page.unroute('**/app/views/call.js');
    await page.click('#join:has-text("Join again")');
    await page.waitForSelector('#call:not([hidden])');
    await page.leave();
  });

  it('the speaker can be tested, and names and devices are remembered', async () => {
    const page = await lobby(undefined, undefined, 'memory');
    await page.click('#lobby-devices summary');
    await page.evaluate(() => { // it is disabled while it sounds, which is short
      const button = document.querySelector('[data-testid=test-speaker]');
      window.sounding = [];
      new MutationObserver(() => window.sounding.push(button.disabled)).observe(button, {attributeFilter: ['disabled']});
    });
    await page.click('[data-testid=test-speaker]');
    await page.waitForFunction(() => window.sounding.join() === 'true,false');
    await page.waitForFunction(() => Number(document.querySelector('#level').getAttribute('aria-valuenow')) > 0);
    await page.waitForFunction(() => document.querySelector('#lobby [data-picker=microphone]').options.length > 1);
    const device = await page.evaluate(() => document.querySelector('#lobby [data-picker=microphone]').options[1].value);
    await page.selectOption('#lobby [data-picker=microphone]', device);
    await joinAs(page, 'Ada');
    await page.goto(server.room('memory'));
    await page.waitForFunction(() => document.querySelector('#lobby [data-picker=microphone]').options.length > 1);
    assert.equal(await page.inputValue('#name'), 'Ada');
    assert.equal(await page.inputValue('#lobby [data-picker=microphone]'), device);
    await page.leave();
  });
});

describe('trouble in the call', () => {
  let server, browser, ada, bob;
  after(() => server?.stop()); // the restarted one
  stage({server: ['--drain-timeout', '2s']}, async (made) => {
    ({server, browser} = made);
    [ada, bob] = await Promise.all(['Ada', 'Bob'].map(async (name) => joinAs(await open(browser, server.room('tea'), {init: recordSockets}), name)));
    await ada.waitForSelector('.tile[aria-label^="Bob"].video');
    await ada.waitForSelector('#toggle-camera[aria-pressed=true]');
  });

  it('a codec that can’t be played is told by name', async () => {
    await receives(ada, {type: 'participant', event: 'joined', participant: {id: 'x', name: 'Eve', tracks: [{id: 'x-v', kind: 'video', source: 'camera', muted: false}]}});
    await receives(ada, {type: 'tracks', tracks: [{mid: null, id: 'x-v', participant: 'x', kind: 'video', source: 'camera', unsupported: 'H265'}]});
    await ada.waitForSelector('[data-banner=unsupported]:has-text("Eve’s video can’t be played on this browser (H265)")');
    await ada.waitForSelector('.tile[aria-label*="can’t play H265"]');
    await receives(ada, {type: 'participant', event: 'left', participant: {id: 'x', name: 'Eve', tracks: []}});
    await ada.waitForSelector('[data-banner=unsupported]', {state: 'detached'});
  });

  it('a camera that is unplugged is replaced', async () => {
    // What a browser does when the plug is pulled: the track has ended, and says so.
    await ada.evaluate(() => {
      const [track] = window.plenum.room.publications.find((one) => one.source === 'camera').tracks;
      Object.defineProperty(track, 'readyState', {value: 'ended'});
      track.dispatchEvent(new Event('ended'));
    });
    await ada.waitForSelector('.notice:has-text("was unplugged")');
    await ada.waitForSelector('#toggle-camera[aria-pressed=true]');
    await bob.waitForSelector('.tile[aria-label^="Ada"].video');
  });

  it('a server that is restarted is told, counted down to, and followed by itself', async () => {
    const {port} = server;
    const ended = server.stop('SIGTERM');
    await ada.waitForSelector('.notice:has-text("being restarted")');
    await ended;
    await ada.waitForSelector('[data-banner=state]:has-text("Trying again in")', {timeout: 60_000});
    server = await startServer([], port);
    await ada.evaluate(() => document.querySelector('[data-banner=state] button')?.click()); // unless it was quicker by itself
    await ada.waitForSelector('[data-banner=state]', {state: 'detached'});
    await bob.waitForSelector('[data-banner=state]', {state: 'detached'});
    await ada.waitForSelector('.tile[aria-label^="Bob"].video');
    await bob.waitForSelector('.tile[aria-label^="Ada"].video');
    assert.equal(await ada.textContent('#head-count'), '2 people');
  });

  it('a weak network is told, on the tile too', async () => {
    await ada.clock.install(); // only what lasts is told: the seconds pass by leaps
    const last = () => ada.clock.fastForward(7000);
    await ada.evaluate(() => { // what the server says of the same track is not heard
      const socket = window.sockets.at(-1);
      const {onmessage} = socket;
      socket.onmessage = (event) => { if (!(event instanceof MessageEvent) || JSON.parse(event.data).type !== 'quality') onmessage(event); };
    });
    const id = await ada.evaluate(() => [...[...window.plenum.room.participants.values()][0].tracks.values()].find((one) => one.kind === 'video').id);
    await receives(ada, {type: 'quality', downlink: 80_000, tracks: [{id, layer: null, reason: 'bandwidth'}]});
    await last();
    await ada.waitForSelector('.tile[aria-label^="Bob"] .tile-state:has-text("your network is weak")');
    await last();
    await ada.waitForSelector('[data-banner=weak]:has-text("video is reduced")');
    await receives(ada, {type: 'quality', downlink: 2e6, tracks: [{id, layer: {spatial: 2, temporal: 0}}]});
    await ada.waitForSelector('.tile[aria-label^="Bob"] .tile-state', {state: 'hidden'});
    await last();
    await ada.waitForSelector('.tile[aria-label^="Bob"]:not(.weak)');
    await last();
    await ada.waitForSelector('[data-banner=weak]', {state: 'detached'});
  });

  it('a removal is told, with the way back', async () => {
    await receives(ada, {type: 'error', code: 'kicked', message: 'Goodbye.', fatal: true});
    await ada.evaluate(() => window.sockets.at(-1).onclose({code: 4003}));
    await ada.waitForSelector('#lobby-note:has-text("A moderator removed you")');
    await ada.waitForSelector('#join:has-text("Join again")');
  });
});

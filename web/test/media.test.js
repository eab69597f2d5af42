import assert from 'node:assert/strict';
import {afterEach, test} from 'node:test';
import {DeviceError, listDevices, openDevice, openDevices, watchDevices} from '../plenum.js';

const real = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
afterEach(() => {
  if (real) Object.defineProperty(globalThis, 'navigator', real);
  else delete globalThis.navigator;
});

/** @param {object} [mediaDevices] @param {object} [permissions] */
function browser(mediaDevices, permissions) {
  Object.defineProperty(globalThis, 'navigator', {value: {mediaDevices, permissions}, configurable: true});
}

const track = (kind) => ({kind, stopped: false, stop() { this.stopped = true; }});
const stream = (...kinds) => {
  const tracks = kinds.map(track);
  const of = (kind) => tracks.filter((one) => one.kind === kind);
  return {getTracks: () => tracks, getVideoTracks: () => of('video'), getAudioTracks: () => of('audio')};
};

test('every failure has a reason', async () => {
  for (const [name, reason] of [
    ['NotAllowedError', 'denied'], ['NotFoundError', 'missing'], ['OverconstrainedError', 'missing'],
    ['NotReadableError', 'in-use'], ['AbortError', 'in-use'], ['Whatever', 'failed'],
  ]) {
    browser({getUserMedia: async () => { throw new DOMException('', name); }});
    await assert.rejects(openDevice('camera'), (error) => error instanceof DeviceError && error.reason === reason && error.kind === 'camera' && error.code === 'device');
  }
  browser(undefined);
  await assert.rejects(openDevice('microphone'), (error) => error.reason === 'insecure');
});

test('without a camera there is still the microphone', async () => {
  browser({getUserMedia: async ({video}) => {
    if (video) throw new DOMException('', 'NotFoundError');
    return stream('audio');
  }});
  const {camera, microphone, errors} = await openDevices();
  assert.equal(camera, null);
  assert.equal(microphone?.kind, 'audio');
  assert.deepEqual(errors.map((one) => [one.kind, one.reason]), [['camera', 'missing']]);
});

test('whoever declines both is asked once; where one is blocked, the other is asked for', async () => {
  for (const [states, prompts, kinds] of [
    [{camera: 'prompt', microphone: 'prompt'}, 1, ['camera', 'microphone']],
    [{camera: 'denied', microphone: 'prompt'}, 3, ['camera']],
    [null, 3, ['camera']], // a browser that does not say
  ]) {
    let asked = 0;
    browser({getUserMedia: async (constraints) => {
      asked++;
      if (constraints.video || states?.camera === 'prompt') throw new DOMException('', 'NotAllowedError');
      return stream('audio');
    }}, {query: async ({name}) => {
      if (!states) throw new TypeError('no such permission');
      return {state: states[name]};
    }});
    const {errors} = await openDevices();
    assert.deepEqual([asked, errors.map(({kind, reason}) => `${kind} ${reason}`)], [prompts, kinds.map((kind) => `${kind} denied`)]);
  }
});

test('one prompt for both, and none for what is not wanted', async () => {
  const asked = [];
  browser({getUserMedia: async (constraints) => {
    asked.push(Object.keys(constraints));
    return stream(...Object.keys(constraints));
  }});
  await openDevices();
  await openDevices({camera: false});
  assert.deepEqual(asked, [['video', 'audio'], ['audio']]);
});

test('a track that arrives after the abort is stopped', async () => {
  const late = stream('video');
  let give;
  browser({getUserMedia: () => new Promise((resolve) => { give = () => resolve(late); })});
  const end = new AbortController();
  const opening = openDevice('camera', {signal: end.signal});
  end.abort();
  give();
  await assert.rejects(opening, {name: 'AbortError'});
  assert.equal(late.getTracks()[0].stopped, true);
});

test('devices are listed by kind, and plugging is noticed', async () => {
  const events = new EventTarget();
  let all = [{kind: 'audioinput', deviceId: 'm'}, {kind: 'videoinput', deviceId: ''}, {kind: 'audiooutput', deviceId: 's'}];
  browser(Object.assign(events, {enumerateDevices: async () => all}));
  const {camera, microphone, speaker} = await listDevices();
  assert.deepEqual([camera.length, microphone.length, speaker.length], [0, 1, 1]);
  const noticed = new Promise((resolve) => watchDevices(resolve));
  all = [...all, {kind: 'videoinput', deviceId: 'c'}];
  events.dispatchEvent(new Event('devicechange'));
  assert.equal((await noticed).camera[0].deviceId, 'c');
  browser(undefined);
  assert.deepEqual(await listDevices(), {camera: [], microphone: [], speaker: []});
});

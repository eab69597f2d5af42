import assert from 'node:assert/strict';
import {afterEach, beforeEach, test} from 'node:test';
import {FakeSocket, FakeTrack, enter, install, pass, settle} from './fakes.js';

const intervals = {set: globalThis.setInterval, clear: globalThis.clearInterval};
const realNavigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
const storage = new Map();
const devices = Object.assign(new EventTarget(), {
  all: [],
  opened: [],
  tracks: [],
  failing: '',
  refusing: () => '',
  async enumerateDevices() { return this.all; },
  async getUserMedia(constraints) {
    this.opened.push(constraints);
    const refusal = this.failing || await this.refusing(constraints);
    if (refusal) throw new DOMException('', refusal);
    const track = Object.assign(new FakeTrack(constraints.video ? 'video' : 'audio'), {label: 'Spare'});
    this.tracks.push(track);
    return {getTracks: () => [track]};
  },
});

beforeEach(async () => {
  await install();
  storage.clear();
  Object.assign(devices, {all: [], opened: [], tracks: [], failing: '', refusing: () => ''});
  Object.assign(globalThis, {
    setInterval: () => 0, clearInterval: () => {},
    localStorage: {getItem: (key) => storage.get(key) ?? null, setItem: (key, value) => storage.set(key, value)},
  });
  Object.defineProperty(globalThis, 'navigator', {value: {mediaDevices: devices, userAgent: 'test'}, configurable: true});
});
afterEach(() => {
  Object.assign(globalThis, {setInterval: intervals.set, clearInterval: intervals.clear});
  if (realNavigator) Object.defineProperty(globalThis, 'navigator', realNavigator);
  else delete globalThis.navigator;
});

const bo = {id: 'bo', name: 'Bo', tracks: []};
const settings = {room: 'demo', token: '', language: '', video: {}, send: {}};

async function call(participants = [bo]) {
  const {CallState} = await import('../app/state/call.js');
  const all = await enter({}, {participants});
  const state = new CallState(all.room, 'Ada', settings);
  const notices = [];
  const reactions = [];
  state.on('notice', (notice) => notices.push(notice));
  state.on('reaction', (reaction) => reactions.push(reaction));
  return {...all, state, notices, reactions, hears: (body, from = 'bo') => all.socket.receive({type: 'message', from, body})};
}

test('chat counts what was not seen, and forgets it when opened', async () => {
  const {state, hears} = await call();
  hears({text: 'one'});
  hears('two');
  hears({text: ''});
  hears(null);
  hears({text: 5});
  assert.equal(state.conversation.unread, 2);
  assert.deepEqual(state.conversation.messages.map(({author, text}) => [author, text]), [['Bo', 'one'], ['Bo', 'two']]);
  state.conversation.show(true);
  hears({text: 'three'});
  assert.equal(state.conversation.unread, 0);
});

test('a message that can’t be sent is not lost without a word', async () => {
  const {state, socket, notices} = await call();
  socket.break();
  assert.equal(state.conversation.write('hello'), false);
  assert.equal(state.conversation.messages.length, 0);
  assert.match(notices.at(-1).text, /not sent/);
});

test('hands are raised, told to newcomers, and go with their people', async () => {
  const {state, socket, hears, notices} = await call();
  hears({hand: true});
  hears({hand: true});
  assert.deepEqual([...state.conversation.hands], ['bo']);
  assert.equal(notices.filter(({text}) => /raised/.test(text)).length, 1);
  state.conversation.toggleHand();
  socket.receive({type: 'participant', event: 'joined', participant: {id: 'cy', name: 'Cy', tracks: []}});
  assert.deepEqual(socket.of('message').at(-1), {type: 'message', to: 'cy', body: {hand: true}});
  socket.receive({type: 'participant', event: 'left', participant: bo});
  assert.deepEqual([...state.conversation.hands], ['']);
});

test('only known reactions are shown', async () => {
  const {reactions, hears, state, socket} = await call();
  hears({reaction: '👍'});
  hears({reaction: '<img src=x>'});
  state.conversation.react('🎉');
  assert.deepEqual(reactions, [{id: 'bo', reaction: '👍'}, {id: '', reaction: '🎉'}]);
  assert.deepEqual(socket.of('message').at(-1).body, {reaction: '🎉'});
});

test('people keep their places; who leaves takes the pin along', async () => {
  const {state, socket} = await call();
  socket.receive({type: 'participant', event: 'joined', participant: {id: 'cy', name: 'Cy', tracks: []}});
  assert.deepEqual(state.order, ['', 'bo', 'cy']);
  state.pin('camera bo');
  socket.receive({type: 'participant', event: 'left', participant: bo});
  assert.deepEqual([state.order, state.pinned], [['', 'cy'], '']);
  assert.deepEqual(state.others.map(({name}) => name), ['Cy']);
});

test('a microphone that is pulled out is replaced by another one', async () => {
  const {state, notices} = await call();
  const microphone = Object.assign(new FakeTrack('audio'), {label: 'Headset'});
  state.media.publish({camera: null, microphone});
  microphone.end();
  await settle();
  assert.equal(state.media.microphone?.tracks[0].label, 'Spare');
  assert.equal(notices.at(-1).text, 'Headset was unplugged. Now using Spare.');
});

test('a muted microphone that is pulled out does not come back loud', async () => {
  const {state, notices} = await call();
  const microphone = Object.assign(new FakeTrack('audio'), {label: 'Headset'});
  state.media.publish({camera: null, microphone});
  await state.media.turn('microphone', false);
  microphone.end();
  await settle();
  assert.deepEqual([state.media.microphone, devices.opened], [null, []]);
  assert.equal(notices.at(-1).text, 'Headset was unplugged.');
});

test('muting does not wait for another microphone to open', async () => {
  const {state} = await call();
  state.media.publish({camera: null, microphone: new FakeTrack('audio')});
  let open = () => {};
  devices.refusing = () => new Promise((resolve) => { open = resolve; });
  const switching = state.media.switchTo('microphone', 'other');
  await state.media.turn('microphone', false);
  assert.equal(state.media.microphone?.muted, true);
  open('');
  await switching;
  assert.deepEqual([state.media.microphone?.muted, state.media.microphone?.tracks[0].enabled], [true, false]);
});

test('a device that opens for what has ended meanwhile is given back', async () => {
  const {state, room} = await call();
  state.media.publish({camera: null, microphone: new FakeTrack('audio')});
  let open = () => {};
  devices.refusing = () => new Promise((resolve) => { open = resolve; });
  const switching = state.media.switchTo('microphone', 'other');
  state.media.microphone?.unpublish();
  open('');
  await switching;
  assert.equal(devices.tracks[0].readyState, 'ended');
  assert.ok(room.publications.every((one) => one.tracks[0] !== devices.tracks[0]));
});

test('a device that is plugged in is offered, and used when wanted', async () => {
  const {state, notices} = await call();
  state.media.publish({camera: null, microphone: new FakeTrack('audio')});
  devices.all = [{kind: 'audioinput', deviceId: 'a', label: 'Built-in'}];
  await state.listDevices();
  devices.all = [...devices.all, {kind: 'audioinput', deviceId: 'b', label: 'Headset'}];
  devices.dispatchEvent(new Event('devicechange'));
  await settle();
  assert.equal(notices.at(-1).text, 'Headset is plugged in.');
  notices.at(-1).run();
  await settle();
  assert.deepEqual(devices.opened.at(-1), {audio: {deviceId: {exact: 'b'}}});
  assert.equal(state.media.microphone?.tracks[0].label, 'Spare');
});

test('ten quick presses leave one camera, on or off', async () => {
  const {state, room} = await call();
  await Promise.all(Array.from({length: 10}, () => state.media.toggle('camera')));
  assert.equal(room.publications.length, 1);
  assert.equal(devices.opened.length, 1, 'presses while the camera opens do nothing');
  await state.media.toggle('camera');
  assert.equal(state.media.camera?.muted, true);
  assert.equal(state.media.camera?.tracks[0].readyState, 'ended', 'its light is out');
});

test('a phone looks the other way, and forgets which camera was chosen', async () => {
  const {state} = await call();
  const front = new FakeTrack('video');
  state.media.publish({camera: front, microphone: null});
  await Promise.all([state.media.flip(), state.media.flip()]); // the second press comes too early to count
  assert.deepEqual(devices.opened, [{video: {facingMode: 'environment'}}]);
  assert.equal(front.readyState, 'ended', 'phones refuse a second camera while the first is open');
  assert.equal(state.media.camera?.tracks[0].label, 'Spare');
  await state.media.flip();
  assert.deepEqual(devices.opened.at(-1), {video: {}});
});

test('a camera that can’t be changed is off, not frozen', async () => {
  const {state, notices} = await call();
  state.media.publish({camera: new FakeTrack('video'), microphone: null});
  devices.failing = 'NotReadableError';
  await state.run(() => state.media.switchTo('camera', 'other'));
  assert.equal(state.media.camera?.muted, true);
  assert.match(notices.at(-1).text, /in use by another program/);
  devices.failing = '';
  await state.media.toggle('camera');
  assert.equal(state.media.camera?.muted, false);
});

test('a chosen camera that is gone gives way to another one', async () => {
  storage.set('plenum', '{}');
  const {state} = await call();
  devices.refusing = ({video}) => video.deviceId && 'OverconstrainedError';
  await state.media.switchTo('camera', 'gone'); // nothing is open yet: it is only remembered
  await state.media.toggle('camera');
  assert.deepEqual(devices.opened.map(({video}) => video.deviceId), [{exact: 'gone'}, undefined]);
  assert.equal(state.media.camera?.tracks[0].label, 'Spare');
  await state.media.switchTo('camera', '');
});

test('a device that opens after one has left is given back, without a word', async () => {
  const {state, room, notices} = await call();
  const told = notices.length;
  const opening = state.run(() => state.media.toggle('camera'));
  room.leave();
  await opening;
  assert.deepEqual(devices.tracks.map((track) => track.readyState), ['ended']);
  assert.equal(notices.length, told);
});

test('coming and going sounds', async () => {
  const {state, socket} = await call();
  const sounds = [];
  state.on('sound', (sound) => sounds.push(sound));
  socket.receive({type: 'participant', event: 'joined', participant: {id: 'cy', name: 'Cy', tracks: []}});
  socket.receive({type: 'participant', event: 'left', participant: {id: 'cy', name: 'Cy', tracks: []}});
  assert.deepEqual(sounds, ['join', 'leave']);
});

test('push-to-talk opens the microphone and closes it again', async () => {
  const {state} = await call();
  state.media.publish({camera: null, microphone: new FakeTrack('audio')});
  await state.media.turn('microphone', false);
  await Promise.all([state.media.turn('microphone', true), state.media.turn('microphone', false)]);
  assert.equal(state.media.microphone?.muted, true, 'a short press ends muted');
});

test('a press means the opposite of what is shown, also while the browser still mutes', async () => {
  const {state, pc} = await call();
  state.media.publish({camera: null, microphone: new FakeTrack('audio')});
  await settle();
  const sender = pc.getTransceivers().find((one) => one.sender.track)?.sender;
  let muted = () => {};
  const replace = sender.replaceTrack;
  sender.replaceTrack = async (track) => {
    if (!track) await new Promise((resolve) => { muted = resolve; });
    return replace(track);
  };
  const release = state.media.turn('microphone', false);
  assert.equal(state.media.microphone?.muted, true, 'this is what everybody sees from now on');
  const press = state.media.toggle('microphone');
  muted();
  await Promise.all([release, press]);
  assert.equal(state.media.microphone?.muted, false);
  assert.equal(sender.track?.kind, 'audio');
});

test('of many presses that a refused device meets, one is told', async () => {
  const {state} = await call();
  devices.failing = 'NotAllowedError';
  const presses = await Promise.allSettled(Array.from({length: 5}, () => state.media.toggle('microphone')));
  assert.deepEqual(presses.map(({status}) => status), ['rejected', ...Array(4).fill('fulfilled')]);
  assert.equal(devices.opened.length, 1);
});

test('another device that is chosen while the first still opens is used', async () => {
  const {state} = await call();
  await Promise.all([state.media.toggle('camera'), state.media.switchTo('camera', 'second')]);
  assert.deepEqual(devices.opened.at(-1), {video: {deviceId: {exact: 'second'}}});
  assert.equal(devices.tracks.at(0).readyState, 'ended');
  assert.equal(state.media.camera?.tracks[0], devices.tracks.at(-1));
});

test('a lost connection counts down, and a new server is told', async () => {
  const {state, socket, notices, room} = await call();
  socket.break();
  await pass(0);
  FakeSocket.last.break();
  FakeSocket.last.break();
  assert.equal(room.state, 'reconnecting');
  assert.equal(state.trouble.countdown, 1);
  await pass(400);
  FakeSocket.last.join({resumed: true, participants: [bo]});
  assert.equal(state.trouble.countdown, 0);
  assert.match(notices.at(-1).text, /Connected again/);
  FakeSocket.last.receive({type: 'drain', after: 0});
  await pass(10);
  FakeSocket.last.join({session: 's9', participants: [bo]});
  assert.match(notices.at(-1).text, /moved/);
});

test('weak networks are told from what the server forwards, and not in a hurry', async (context) => {
  let now = 0;
  context.mock.method(performance, 'now', () => now);
  const {room, state, socket} = await call([{...bo, tracks: [{id: 'v', kind: 'video', source: 'camera', muted: false}]}]);
  const {quality} = state.trouble;
  const said = () => [quality.of('v'), quality.weak];
  const told = (layer, reason) => socket.receive({type: 'quality', downlink: 1e5, tracks: [{id: 'v', layer, reason}]});
  told(null, 'bandwidth');
  assert.deepEqual(said(), ['', false]);
  now = 1000;
  assert.equal(quality.tick(now), true);
  assert.deepEqual(said(), ['paused', false]);
  assert.deepEqual(room.participants.get('bo').tracks.get('v').quality, {layer: null, reason: 'bandwidth'});
  now = 7000;
  quality.tick(now);
  assert.deepEqual(said(), ['paused', true]);
  told({spatial: 2, temporal: 2});
  assert.deepEqual(said(), ['reduced', true], 'the picture is back, which needs no words');
  now = 11_000;
  quality.tick(now);
  assert.deepEqual(said(), ['', true]);
  now = 17_000;
  quality.tick(now);
  assert.deepEqual(said(), ['', false]);
});

test('the report has the numbers and no names', async () => {
  const {state} = await call();
  const {report} = await import('../app/state/report.js');
  const parsed = JSON.parse(report(state, 'Browser/1'));
  assert.equal(parsed.people, 2);
  assert.equal(parsed.browser, 'Browser/1');
  assert.doesNotMatch(JSON.stringify(parsed), /Bo\b|Ada|s1/);
});

test('a thousand messages in one frame are drawn once, and the lists stay short', async () => {
  const {perFrame} = await import('../sdk/frames.js');
  const {News, most} = await import('../app/state/news.js');
  const frames = [];
  Object.assign(globalThis, {requestAnimationFrame: (run) => frames.push(run), cancelAnimationFrame: () => {}});
  const {state, hears} = await call();
  let drawn = 0;
  state.on('change', perFrame(() => drawn++));
  const news = new News();
  let told = [];
  const tell = perFrame(() => { told = news.take(); });
  state.on('notice', (notice) => {
    news.add(notice);
    tell();
  });
  for (let i = 0; i < 1000; i++) {
    hears({text: `spam ${i}`});
    hears({hand: i % 2 === 0});
    hears({reaction: '👍'});
  }
  assert.equal(drawn, 0);
  assert.equal(frames.length, 2); // one for the page, one for the notices
  for (const run of frames.splice(0)) run();
  assert.equal(drawn, 1);
  assert.equal(state.conversation.messages.length, 500);
  assert.equal(state.conversation.messages.at(-1).text, 'spam 999');
  assert.ok(told.length <= most.shown + most.spoken && told.length > 0, `${told.length} notices`);
  hears({text: 'one more'});
  for (const run of frames.splice(0)) run();
  assert.equal(drawn, 2);
  delete globalThis.requestAnimationFrame;
  delete globalThis.cancelAnimationFrame;
});

test('a message that was too much is told as such, for the call goes on', async () => {
  const {socket, notices} = await call();
  socket.receive({type: 'error', code: 'rate-limited', message: '', fatal: false});
  assert.match(notices.at(-1).text, /did not get through/);
});

test('a page that has no frames is drawn nevertheless', async () => {
  const {perFrame} = await import('../sdk/frames.js');
  Object.assign(globalThis, {requestAnimationFrame: () => 1, cancelAnimationFrame: () => {}});
  let drawn = 0;
  const draw = perFrame(() => drawn++);
  draw();
  draw();
  await pass(1000);
  assert.equal(drawn, 1);
  delete globalThis.requestAnimationFrame;
  delete globalThis.cancelAnimationFrame;
});

test('whom the own camera does not reach is known while it is so', async () => {
  const {room, socket, state} = await call();
  const publication = room.publish(new FakeTrack('video'));
  await settle();
  const mid = socket.of('publish').at(-1).tracks[0].mid;
  const heard = [];
  room.on('unreached', (detail) => heard.push(detail));
  socket.receive({type: 'unreached', mid: 'another', codec: 'AV1', viewers: ['bo']});
  assert.equal(heard.length, 0);
  socket.receive({type: 'unreached', mid, codec: 'AV1', viewers: ['bo']});
  assert.deepEqual(heard, [{publication, kind: 'video', codec: 'AV1', viewers: ['bo']}]);
  assert.deepEqual([...state.trouble.unreached.values()], [{codec: 'AV1', viewers: ['bo']}]);
  socket.receive({type: 'unreached', mid, codec: 'AV1', viewers: []});
  assert.equal(state.trouble.unreached.size, 0);
  socket.receive({type: 'unreached', mid, codec: 'AV1', viewers: ['bo']});
  publication.unpublish();
  assert.equal(state.trouble.unreached.size, 0, 'what is not sent reaches everyone');
});

/** What a page asks of the server for the elements that show someone. */
import assert from 'node:assert/strict';
import {afterEach, beforeEach, test} from 'node:test';
import {answer, enter, install, offer, page, pass, settle} from './fakes.js';

/** An observer of elements that the test lets speak. */
class FakeObserver {
  watched = new Set();

  constructor(callback) {
    this.callback = callback;
    this.constructor.last = this;
  }

  observe(element) { this.watched.add(element); }
  unobserve(element) { this.watched.delete(element); }
  disconnect() { this.watched.clear(); }
}

class Sizes extends FakeObserver {
  static last;
}

class Sights extends FakeObserver {
  static last;
}

class FakeElement extends EventTarget {
  ownerDocument = document;
  srcObject = null;
  /** Whether the browser refuses to play it. */
  refused = false;
  played = 0;

  constructor(width = 320, height = 180) {
    super();
    this.resize(width, height);
  }

  resize(width, height) {
    Object.assign(this, {clientWidth: width, clientHeight: height});
    if (Sizes.last?.watched.has(this)) Sizes.last.callback([{target: this}]);
  }

  async play() {
    if (this.refused) throw new DOMException('', 'NotAllowedError');
    this.played++;
    this.dispatchEvent(new Event('playing'));
  }

  scroll(isIntersecting) {
    assert.ok(Sights.last.watched.has(this));
    Sights.last.callback([{target: this, isIntersecting}]);
  }
}

let ratioChanged;
const names = ['document', 'ResizeObserver', 'IntersectionObserver', 'devicePixelRatio', 'matchMedia'];

beforeEach(async () => {
  await install();
  Object.assign(globalThis, {
    document: Object.assign(page, {visibilityState: 'visible', pictureInPictureElement: null}),
    ResizeObserver: Sizes, IntersectionObserver: Sights, devicePixelRatio: 2,
    matchMedia: () => ({addEventListener: (_, listener) => { ratioChanged = listener; }}),
  });
});
afterEach(() => { for (const name of names) delete globalThis[name]; });

/** In a room with Bo's camera, seen in an element. */
async function watching(element = new FakeElement()) {
  const bo = {id: 'bo', name: 'Bo', tracks: [{id: 'v', kind: 'video', source: 'camera', muted: false}, {id: 'a', kind: 'audio', source: 'microphone', muted: false}]};
  const all = await enter({}, {participants: [bo]});
  const [track, audio] = all.room.participants.get('bo').tracks.values();
  const detach = all.room.attach(track, element);
  const said = async (wait = 300) => {
    await pass(wait);
    return all.socket.of('subscribe').flatMap(({tracks}) => tracks);
  };
  return {...all, track, audio, element, detach, said, last: async (wait) => (await said(wait)).at(-1)};
}

function show(state) {
  document.visibilityState = state;
  document.dispatchEvent(new Event('visibilitychange'));
}

test('a track is asked for in device pixels once the browser says that its element is in sight, and soon', async () => {
  const {element, said} = await watching();
  assert.deepEqual(await said(1000), [], 'nothing is known yet');
  element.scroll(true);
  assert.deepEqual(await said(20), [{id: 'v', width: 640, height: 360}]);
});

test('who shrinks is told within the interval, who grows at once if nothing was said just now', async () => {
  const {element, last, said} = await watching();
  element.scroll(true);
  await pass(1000);
  element.resize(160, 90);
  assert.equal((await said(100)).length, 1);
  assert.deepEqual(await last(150), {id: 'v', width: 320, height: 180});
  await pass(250);
  element.resize(640, 360);
  assert.deepEqual(await last(20), {id: 'v', width: 1280, height: 720});
  for (let width = 640; width < 700; width += 5) {
    element.resize(width, 360);
    await pass(16);
  }
  assert.ok((await said(250)).length <= 4, 'a window that is dragged larger does not flood the server');
  assert.equal((await last()).width, 1390);
});

test('what is scrolled away stops after a moment, and comes back at once', async () => {
  const {element, last} = await watching();
  element.scroll(true);
  await pass(1000);
  element.scroll(false);
  assert.equal((await last(499)).width, 640);
  assert.deepEqual(await last(251), {id: 'v', enabled: false});
  await pass(250);
  element.scroll(true);
  assert.deepEqual(await last(20), {id: 'v', width: 640, height: 360});
});

test('scrolling back and forth says nothing', async () => {
  const {element, said} = await watching();
  element.scroll(true);
  await pass(1000);
  element.scroll(false);
  await pass(300);
  element.scroll(true);
  assert.equal((await said(2000)).length, 1);
});

test('a hidden page stops video and not audio', async () => {
  const {room, audio, element, last, said} = await watching();
  room.attach(audio, new FakeElement());
  element.scroll(true);
  await pass(1000);
  show('hidden');
  assert.deepEqual(await last(750), {id: 'v', enabled: false});
  await pass(250);
  show('visible');
  assert.deepEqual(await last(20), {id: 'v', width: 640, height: 360});
  assert.ok((await said()).every(({id}) => id === 'v'));
});

test('a small window shows the video while the page is hidden, in its size', async () => {
  const {element, last} = await watching();
  element.scroll(true);
  const window = Object.assign(new EventTarget(), {width: 400, height: 225});
  document.pictureInPictureElement = element;
  document.dispatchEvent(Object.assign(new Event('enterpictureinpicture'), {pictureInPictureWindow: window}));
  assert.deepEqual(await last(), {id: 'v', width: 800, height: 450});
  show('hidden');
  assert.deepEqual(await last(1000), {id: 'v', width: 800, height: 450});
  Object.assign(window, {width: 200, height: 112});
  window.dispatchEvent(new Event('resize'));
  assert.deepEqual(await last(), {id: 'v', width: 400, height: 224});
  document.pictureInPictureElement = null;
  document.dispatchEvent(new Event('leavepictureinpicture'));
  assert.deepEqual(await last(1000), {id: 'v', enabled: false});
});

test('of several elements the largest in sight decides, and the highest priority', async () => {
  const {room, track, element, last} = await watching();
  const large = new FakeElement(1280, 720);
  element.scroll(true);
  const detach = room.attach(track, large, {priority: 2});
  large.scroll(true);
  assert.deepEqual(await last(), {id: 'v', width: 2560, height: 1440, priority: 2});
  large.scroll(false);
  assert.deepEqual(await last(), {id: 'v', width: 640, height: 360});
  large.scroll(true);
  detach();
  assert.deepEqual(await last(), {id: 'v', width: 640, height: 360});
  assert.ok(!Sizes.last.watched.has(large) && !Sights.last.watched.has(large));
});

test('another pixel ratio is another size, each time', async () => {
  const {element, last} = await watching();
  element.scroll(true);
  for (const ratio of [1, 3]) {
    globalThis.devicePixelRatio = ratio;
    ratioChanged();
    assert.deepEqual(await last(), {id: 'v', width: 320 * ratio, height: 180 * ratio});
  }
});

test('an element that is taken from the page, or attached elsewhere, stops the track', async () => {
  const {room, track, element, detach, last} = await watching();
  element.scroll(true);
  await pass(1000);
  element.resize(0, 0);
  assert.deepEqual(await last(750), {id: 'v', enabled: false});
  element.resize(320, 180);
  assert.equal((await last()).width, 640);
  detach();
  detach();
  assert.deepEqual(await last(), {id: 'v', enabled: false});
  assert.equal(element.srcObject, null);
  const unfollow = room.follow(track, element);
  element.scroll(true);
  assert.equal((await last()).width, 640);
  unfollow();
  assert.deepEqual(await last(), {id: 'v', enabled: false});
});

test('a room that is left asks for nothing more', async () => {
  const {room, element, said} = await watching();
  element.scroll(true);
  await pass(1000);
  element.scroll(false);
  room.leave();
  assert.equal((await said(2000)).length, 1);
  assert.equal(Sights.last.watched.size, 0);
});

/** Bo's tracks arrive. */
async function arrives({socket}) {
  await pass(0);
  await answer(socket);
  socket.receive({type: 'tracks', tracks: [
    {mid: '2', id: 'a', participant: 'bo', kind: 'audio', source: 'microphone'}, {mid: '3', id: 'v', participant: 'bo', kind: 'video', source: 'camera'},
  ]});
  socket.receive(offer(['2', 'bo', 'voice'], ['3', 'bo', 'picture']));
  await settle();
}

test('an element plays the track when it comes, and nothing once it has ended', async () => {
  const all = await watching();
  const {element, room, socket} = all;
  assert.equal(element.srcObject, null);
  await arrives(all);
  assert.deepEqual(element.srcObject.getTracks(), ['picture']);
  assert.deepEqual([element.played, element.autoplay, element.playsInline, element.muted], [1, true, true, true]);
  socket.receive({type: 'participant', event: 'left', participant: {id: 'bo'}});
  assert.equal(element.srcObject, null, 'no picture stands still');
  assert.equal(room.playbackBlocked, false);
});

test('a room that was left, or is lost, shows nothing any more', async () => {
  for (const end of [({room}) => room.leave(), ({socket}) => {
    socket.receive({type: 'error', code: 'kicked', message: '', fatal: true});
    socket.break(4003);
  }]) {
    await install();
    const all = await watching();
    await arrives(all);
    assert.ok(all.element.srcObject);
    end(all);
    assert.equal(all.element.srcObject, null);
    assert.deepEqual(all.of('track-ended').map(({source}) => source), ['camera', 'microphone']);
    assert.equal(all.events.at(-1).state, 'closed', 'which is the last that is told');
  }
});

test('an attachment whose signal has ended does not begin', async () => {
  const {room, track, last} = await watching();
  const other = new FakeElement();
  room.attach(track, other, {signal: AbortSignal.abort()});
  assert.equal(other.srcObject, null);
  assert.equal(await last(), undefined);
});

test('what the browser does not play before a click is told once, and played from one', async () => {
  const all = await watching();
  const {room, audio, element, detach} = all;
  const told = [];
  room.on('playback', ({blocked}) => told.push(blocked));
  const sound = new FakeElement();
  const silence = room.attach(audio, sound);
  element.refused = sound.refused = true;
  await arrives(all);
  assert.deepEqual([room.playbackBlocked, told], [true, [true]]);
  await room.startPlayback(); // not from a click
  assert.deepEqual([room.playbackBlocked, told], [true, [true, false, true]]);
  element.refused = sound.refused = false;
  await room.startPlayback();
  assert.deepEqual([room.playbackBlocked, told.splice(0), sound.played, element.played], [false, [true, false, true, false], 1, 1]);

  // What is played by its own controls, or not wanted any more, waits for nobody.
  element.refused = sound.refused = true;
  silence();
  detach();
  assert.deepEqual([room.playbackBlocked, told], [false, []]);
  room.attach(audio, sound);
  await settle();
  assert.deepEqual(told.splice(0), [true]);
  sound.dispatchEvent(new Event('playing'));
  assert.deepEqual(told.splice(0), [false]);
  const end = room.attach(audio, sound);
  await settle();
  end();
  assert.deepEqual(told, [true, false]);
});

import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {AuthorizationError, CapacityError, PlenumError, ProtocolError, SessionEndedError, UnreachableError} from '../plenum.js';
import {FakeSocket, FakeStream, FakeTrack, answer, enter, install, offer, pass, settle} from './fakes.js';

beforeEach(install);

const track = (id) => ({id, kind: 'video', source: 'camera', muted: false});
const bo = {id: 'bo', name: 'Bo', tracks: [track('bo-v')]};
const cy = {id: 'cy', name: 'Cy', tracks: [track('cy-v')]};
const mapped = (mid, id, participant) => ({mid, id, participant, kind: 'video', source: 'camera'});

/** @param {import('../plenum.js').Room} room @param {string} id */
const trackOf = (room, id) => [...room.participants.values()].flatMap((one) => [...one.tracks.values()]).find((one) => one.id === id);

test('wishes are gathered into one message, and unchanged ones are not said again', async () => {
  const {room, socket} = await enter({}, {participants: [bo, cy]});
  room.subscribe(trackOf(room, 'bo-v'), {width: 100, height: 50});
  room.subscribe(trackOf(room, 'bo-v'), {width: 320, height: 180});
  room.subscribe(trackOf(room, 'cy-v'), {enabled: false});
  assert.deepEqual(socket.of('subscribe'), []);
  await pass(250);
  assert.deepEqual(socket.of('subscribe'), [{type: 'subscribe', tracks: [
    {id: 'bo-v', width: 320, height: 180}, {id: 'cy-v', enabled: false},
  ]}]);
  room.subscribe(trackOf(room, 'cy-v'), {enabled: false});
  await pass(1000);
  assert.equal(socket.of('subscribe').length, 1);
});

test('wishes outlive a broken socket, those for tracks that are gone do not', async () => {
  const {room, socket} = await enter({}, {participants: [bo, cy]});
  room.subscribe(trackOf(room, 'bo-v'), {width: 320, height: 180});
  room.subscribe(trackOf(room, 'cy-v'), {enabled: false});
  await pass(250);
  socket.break();
  await pass(0);
  FakeSocket.last.join({resumed: true, participants: [bo]});
  assert.deepEqual(FakeSocket.last.of('subscribe'), [{type: 'subscribe', tracks: [{id: 'bo-v', width: 320, height: 180}]}]);
});

test('once it was asked, the server may point an m-line at another track without an offer', async () => {
  const {room, socket, of} = await enter({}, {participants: [bo, cy]});
  await settle();
  await answer();
  socket.receive({type: 'tracks', tracks: [mapped('9', 'bo-v', 'bo')]});
  socket.receive(offer(['9', 'stream', 'line']));
  await settle();
  room.subscribe(trackOf(room, 'bo-v'), {enabled: false});
  await pass(250);
  socket.receive({type: 'tracks', tracks: [mapped('9', 'cy-v', 'cy')]});
  assert.deepEqual(of('track').map((one) => one.participant.name), ['Bo', 'Cy']);
  assert.deepEqual(of('track-ended').map((one) => one.participant.name), ['Bo']);
  assert.equal(trackOf(room, 'cy-v').mediaTrack, 'line');
});

test('quality is told with the tracks that it is about', async () => {
  const {room, socket, of} = await enter({}, {participants: [bo]});
  socket.receive({type: 'quality', downlink: 900_000, tracks: [
    {id: 'bo-v', layer: null, reason: 'bandwidth'}, {id: 'gone', layer: {spatial: 1, temporal: 2}},
  ]});
  const [quality] = of('quality');
  assert.equal(quality.downlink, 900_000);
  assert.equal(quality.tracks[0].track, trackOf(room, 'bo-v'));
  assert.equal(quality.tracks[1].track, null);
});

test('the next attempt is announced', async () => {
  const {room, socket, of} = await enter();
  socket.break();
  FakeSocket.last.break();
  await pass(0);
  FakeSocket.last.break();
  assert.deepEqual(of('retry').map(({attempt, after}) => [attempt, after]), [[1, 0], [2, 300]]);
  assert.equal(room.state, 'reconnecting');
  room.reconnect();
  FakeSocket.last.join({resumed: true});
  assert.equal(room.state, 'connected');
});

test('errors have the class of what helps against them', async () => {
  for (const [code, Class] of [
    ['unauthorized', AuthorizationError], ['room-full', CapacityError], ['server-full', CapacityError],
    ['kicked', SessionEndedError], ['replaced', SessionEndedError], ['bad-room', ProtocolError], ['rate-limited', ProtocolError],
  ]) {
    const {join} = await import('../plenum.js');
    const joining = join('ws://host/ws', {room: 'demo'});
    FakeSocket.last.receive({type: 'error', code, message: 'No.', fatal: true});
    FakeSocket.last.break(1008);
    const error = await joining.catch((reason) => reason);
    assert.ok(error instanceof Class && error instanceof PlenumError, code);
    assert.equal(error.code, code);
    assert.equal(error.name, Class.name);
  }
  const {join} = await import('../plenum.js');
  const joining = join('ws://host/ws', {room: 'demo'}).catch((reason) => reason);
  for (let i = 0; i < 3; i++) {
    FakeSocket.last.break();
    await pass(1500);
  }
  assert.ok(await joining instanceof UnreachableError);
});

test('events can be awaited and iterated, until a signal ends it', async () => {
  const {room, socket} = await enter({}, {participants: [bo]});
  const speaks = (text) => socket.receive({type: 'message', from: 'bo', body: text});
  const next = room.once('message');
  speaks('one');
  assert.equal((await next).body, 'one');

  const end = new AbortController();
  const all = room.events('message', {signal: end.signal});
  speaks('two');
  speaks('three');
  const heard = [];
  for await (const {body} of all) {
    heard.push(body);
    if (body === 'three') end.abort();
  }
  assert.deepEqual(heard, ['two', 'three']);
  await assert.rejects(room.once('message', {signal: end.signal}), {name: 'AbortError'});
});

test('whoever listens until the end of the room hears of the end', async () => {
  const {room, socket} = await enter();
  const told = async (name) => {
    const all = [];
    for await (const detail of room.events(name, {signal: room.closed})) all.push(detail.error?.code ?? detail.state);
    return all;
  };
  const heard = Promise.all(['error', 'state'].map(told));
  socket.receive({type: 'error', code: 'bad-sdp', message: 'No.'});
  socket.receive({type: 'error', code: 'kicked', message: 'Goodbye.', fatal: true});
  socket.break(4003);
  assert.deepEqual(await heard, [['bad-sdp', 'kicked'], ['closed']]);
});

test('a signal unpublishes', async () => {
  const {room, of} = await enter();
  const end = new AbortController();
  room.publish(new FakeStream([new FakeTrack('audio')]), {signal: end.signal});
  end.abort();
  assert.equal(of('unpublished').length, 1);
  assert.throws(() => room.publish(new FakeTrack('audio'), {signal: end.signal}), {name: 'AbortError'});
  assert.equal(room.publications.length, 0);
});

test('ten quick toggles end where the last one says', async () => {
  const {room, pc} = await enter();
  const publication = room.publish(new FakeTrack('audio'));
  const toggles = [];
  for (let i = 0; i < 10; i++) toggles.push(i % 2 === 0 ? publication.mute() : publication.unmute());
  await Promise.all(toggles);
  assert.equal(publication.muted, false);
  assert.notEqual(pc.getTransceivers()[0].sender.track, null);
});

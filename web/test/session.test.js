import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {FakePeerConnection, FakeSocket, FakeTrack, answer, clock, enter, install, offer, page, pass, settle} from './fakes.js';

beforeEach(install);

const video = {id: 'bo-v', kind: 'video', source: 'camera', muted: false};
const bo = {id: 'bo', name: 'Bo', tracks: [video]};
const mapping = {type: 'tracks', tracks: [{mid: '9', id: 'bo-v', participant: 'bo', kind: 'video', source: 'camera'}]};

/** Publishing a camera and watching Bo's. */
async function inCall() {
  const all = await enter({token: 'jwt'}, {participants: [bo]});
  const track = new FakeTrack('video');
  const publication = all.room.publish(track);
  await settle();
  await answer();
  all.socket.receive(mapping);
  all.socket.receive(offer(['9', 'stream', 'video-bo']));
  await settle();
  all.pc.ice('connected');
  all.socket.sent = [];
  return {...all, track, publication};
}

/** Waits until another socket is dialed; says after how many milliseconds, to the hundred. */
async function moved() {
  const count = FakeSocket.all.length;
  for (let waited = 0; waited <= 60_000; waited += 100) {
    if (FakeSocket.all.length > count) return waited;
    await pass(100);
  }
  assert.fail('nothing was dialed within a minute');
}

test('a broken socket is dialed again at once, and the media stay as they are', async () => {
  const {room, pc, socket, of} = await inCall();
  socket.break();
  assert.equal(room.state, 'reconnecting');
  await pass(0);
  assert.deepEqual(FakeSocket.last.protocols, ['plenum.v1', 'token.jwt', 'session.s1']);
  FakeSocket.last.join({resumed: true, session: 's2', participants: [bo]});
  FakeSocket.last.receive(mapping);
  await settle();
  assert.equal(room.state, 'connected');
  assert.equal(FakePeerConnection.all.length, 1);
  assert.equal(pc.restarts, 0);
  assert.equal(of('track').length, 1);
  assert.equal(of('track-ended').length + of('participant-left').length, 0);
  assert.deepEqual(of('joined').map(({resumed}) => resumed), [false, true]);
  assert.deepEqual(FakeSocket.last.sent, [{type: 'publish', tracks: [{mid: '0', source: 'camera', muted: false}]}]);
  FakeSocket.last.break();
  await pass(0);
  assert.deepEqual(FakeSocket.last.protocols.at(-1), 'session.s2');
});

test('attempts are spaced out, for ever, and start over after a success', async () => {
  const {room, socket} = await inCall();
  socket.break();
  for (const wait of [0, 300, 1000, 2000, 4000, 5000, 5000, 5000]) {
    const count = FakeSocket.all.length;
    if (wait > 0) {
      await pass(wait - 1);
      assert.equal(FakeSocket.all.length, count, `too early for ${wait}`);
    }
    await pass(wait > 0 ? 1 : 0);
    assert.equal(FakeSocket.all.length, count + 1, `no attempt after ${wait}`);
    FakeSocket.last.break();
  }
  await pass(5000);
  FakeSocket.last.join({resumed: true, participants: [bo]});
  assert.equal(room.state, 'connected');
  const count = FakeSocket.all.length;
  FakeSocket.last.break();
  await pass(0);
  assert.equal(FakeSocket.all.length, count + 1);
});

test('an offer and candidates made without a socket are said after the resume', async () => {
  const {room, pc, socket} = await inCall();
  socket.break();
  room.publish(new FakeTrack('audio'));
  await settle();
  pc.trickle({candidate: 'c'});
  await pass(0);
  FakeSocket.last.join({resumed: true, participants: [bo]});
  await settle();
  assert.deepEqual(FakeSocket.last.sent.map(({type}) => type), ['publish', 'offer', 'candidate']);
  assert.deepEqual(FakeSocket.last.sent[0].tracks.map(({source}) => source), ['camera', 'microphone']);
  await answer();
  assert.equal(pc.signalingState, 'stable');
});

test('an offer whose answer was lost is said again', async () => {
  const {room, pc, socket} = await inCall();
  room.publish(new FakeTrack('audio'));
  await settle();
  const [lost] = socket.of('offer');
  socket.break();
  await pass(0);
  FakeSocket.last.join({resumed: true, participants: [bo]});
  assert.deepEqual(FakeSocket.last.of('offer'), [lost]);
  await answer();
  assert.equal(pc.signalingState, 'stable');
});

test('after a resume the server’s own pending offer wins over ours', async () => {
  const {room, pc, socket, of} = await inCall();
  room.publish(new FakeTrack('audio'));
  await settle();
  socket.break();
  await pass(0);
  FakeSocket.last.join({resumed: true, participants: [bo]});
  FakeSocket.last.receive(mapping);
  FakeSocket.last.receive(offer(['9', 'stream', 'video-bo']));
  await settle();
  assert.deepEqual(FakeSocket.last.sent.map(({type}) => type), ['publish', 'offer', 'answer', 'offer']);
  await answer();
  assert.equal(pc.signalingState, 'stable');
  assert.equal(of('error').length, 0);
});

test('resuming with the path lost too restarts ICE, once', async () => {
  const {pc, socket} = await inCall();
  pc.iceConnectionState = 'disconnected'; // not yet three seconds ago
  socket.break();
  await pass(0);
  FakeSocket.last.join({resumed: true, participants: [bo]});
  await settle();
  assert.equal(pc.restarts, 1);
  FakeSocket.last.break();
  await pass(0);
  FakeSocket.last.join({resumed: true, participants: [bo]});
  await settle();
  assert.equal(pc.restarts, 1);
  assert.equal(FakeSocket.last.of('offer').at(-1).sdp, 'offer 2 restart');
});

test('who came and went during the gap is told after it', async () => {
  const {room, socket, of} = await inCall();
  socket.break();
  await pass(0);
  FakeSocket.last.join({resumed: true, participants: [{id: 'cy', name: 'Cy', tracks: []}]});
  assert.deepEqual(of('track-ended').map(({track}) => track.id), ['bo-v']);
  assert.deepEqual(of('participant-left').map(({participant}) => participant.name), ['Bo']);
  assert.deepEqual(of('participant-joined').map(({participant}) => participant.name), ['Bo', 'Cy']);
  assert.deepEqual([...room.participants.keys()], ['cy']);
});

test('new ICE servers after a resume reach the peer connection', async () => {
  const {pc, socket} = await inCall();
  socket.break();
  await pass(0);
  FakeSocket.last.join({resumed: true, participants: [bo], iceServers: [{urls: 'turn:t', username: 'u2'}]});
  assert.deepEqual(pc.configuration, {bundlePolicy: 'max-bundle', iceServers: [{urls: 'turn:t', username: 'u2'}]});
});

test('a new session publishes everything again by itself', async () => {
  const {room, pc, socket, publication, track, of} = await inCall();
  await publication.mute();
  const audio = new FakeTrack('audio');
  room.publish(audio);
  await settle();
  socket.break();
  await pass(0);
  FakeSocket.last.join({resumed: false, id: 'me2', session: 's2', participants: [bo]});
  await settle();
  const next = FakePeerConnection.last;
  assert.notEqual(next, pc);
  assert.equal(pc.signalingState, 'closed');
  assert.equal(room.localId, 'me2');
  assert.equal(room.connection, next);
  assert.deepEqual(FakeSocket.last.sent, [
    {type: 'publish', tracks: [{mid: '0', source: 'camera', muted: true}, {mid: '1', source: 'microphone', muted: false}]},
    {type: 'offer', sdp: 'offer 1'},
  ]);
  assert.deepEqual(next.getTransceivers().map(({sender}) => sender.track), [null, audio]);
  assert.deepEqual(of('track-ended').map(({track}) => track.id), ['bo-v']);
  assert.equal(of('participant-left').length, 0);
  // The old session's mapping must not outlive it.
  await answer();
  FakeSocket.last.receive(mapping);
  FakeSocket.last.receive(offer(['9', 'stream2', 'video2']));
  await settle();
  assert.equal(of('track').at(-1).mediaTrack, 'video2');
  await publication.unmute();
  assert.equal(next.getTransceivers()[0].sender.track, track);
});

test('what arrives late for a closed peer connection does no harm', async () => {
  const {socket, of} = await inCall();
  socket.receive(mapping);
  socket.receive(offer(['9', 'late', 'late']));
  socket.break();
  clock.tick(0); // dials, before anything of the offer has been applied
  FakeSocket.last.join({resumed: false, id: 'me2', participants: [bo]});
  await settle();
  assert.equal(of('error').length, 0);
  assert.equal(of('track').length, 1);
});

test('a fatal error ends the room with its reason', async () => {
  for (const [code, closeCode] of [['kicked', 4003], ['replaced', 4004], ['unauthorized', 4001], ['rate-limited', 1008]]) {
    await install();
    const {room, pc, socket, of} = await enter();
    socket.receive({type: 'error', code, message: 'Because.', fatal: true});
    socket.break(closeCode);
    assert.equal(room.state, 'closed');
    assert.equal(pc.signalingState, 'closed');
    assert.deepEqual(of('error').map(({error}) => [error.code, error.fatal, error.message]), [[code, true, 'Because.']]);
    await pass(60_000);
    assert.equal(FakeSocket.all.length, 1);
  }
});

test('drain moves to a new session while the old one serves on', async () => {
  const {room, pc, socket, of} = await inCall();
  socket.receive({type: 'drain', after: 10});
  assert.equal(of('drain')[0].after, 10);
  await moved();
  const next = FakeSocket.last;
  assert.deepEqual(next.protocols, ['plenum.v1', 'token.jwt']);
  assert.equal(room.state, 'connected');
  assert.equal(room.send('still here'), true);
  assert.equal(socket.of('message').length, 1);
  next.join({id: 'me2', session: 's2'});
  assert.equal(socket.sent.at(-1).type, 'leave');
  assert.equal(socket.closedWith, 1000);
  assert.equal(pc.signalingState, 'closed');
  await settle();
  assert.equal(next.of('publish').length, 1);
  assert.equal(room.state, 'connected');
});

test('a room moves together, different rooms apart, all in time', async () => {
  const waits = [];
  for (const room of ['demo', 'demo', 'a', 'b', 'c', 'd']) {
    await install();
    const {socket} = await enter({room});
    await pass(0);
    await answer();
    socket.receive({type: 'drain', after: 10});
    waits.push(await moved());
  }
  assert.equal(waits[0], waits[1]);
  assert.ok(new Set(waits).size >= 4, `they move after ${waits} ms`);
  assert.ok(Math.max(...waits) <= 9000, `they move after ${waits} ms`);
});

test('while no other server takes us in, the draining one is used to its end', async () => {
  const {room, socket, of} = await inCall();
  socket.receive({type: 'drain', after: 10});
  await moved();
  FakeSocket.last.receive({type: 'error', code: 'draining', message: 'Going away.', fatal: true});
  FakeSocket.last.break(1012);
  assert.equal(room.state, 'connected');
  await pass(300);
  assert.equal(FakeSocket.all.length, 3);
  FakeSocket.last.break();
  socket.break(1012);
  assert.equal(room.state, 'reconnecting');
  await pass(1000);
  FakeSocket.last.join({id: 'me2', session: 's2'});
  assert.equal(room.state, 'connected');
  assert.equal(of('error').length, 0);
});

test('leaving cancels a planned move', async () => {
  const {room, socket} = await inCall();
  socket.receive({type: 'drain', after: 10});
  room.leave();
  await pass(60_000);
  assert.equal(FakeSocket.all.length, 1);
});

test('closing the page leaves the room', async () => {
  const {room, socket} = await inCall();
  page.dispatchEvent(new Event('pagehide'));
  assert.deepEqual(socket.sent, [{type: 'leave'}]);
  assert.equal(room.state, 'closed');
});

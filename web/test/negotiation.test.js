import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {FakePeerConnection, FakeSocket, FakeTrack, answer, enter, install, offer, page, pass, settle} from './fakes.js';

beforeEach(install);

/** Joined and connected as a viewer. */
async function connected() {
  const all = await enter();
  await pass(0);
  await answer();
  all.pc.ice('connected');
  all.socket.sent = [];
  return all;
}

test('a server’s offer is answered', async () => {
  const {pc, socket, of} = await connected();
  socket.receive(offer(['0', 's', 't']));
  await settle();
  assert.deepEqual(socket.sent.map(({type}) => type), ['answer']);
  assert.equal(pc.signalingState, 'stable');
  assert.equal(of('error').length, 0);
});

test('glare: the own offer is rolled back, the server’s answered, the own made again', async () => {
  const {room, pc, socket, of} = await connected();
  room.publish(new FakeTrack('video'), {source: 'screen'});
  await settle();
  assert.equal(pc.signalingState, 'have-local-offer');
  // The server had sent its offer, for the same mid, before ours came. It ignores ours.
  socket.receive(offer(['2', 'bo', 't']));
  await settle();
  assert.deepEqual(socket.sent, [
    {type: 'publish', tracks: [{mid: '2', source: 'screen', muted: false}]},
    {type: 'offer', sdp: 'offer 2'},
    {type: 'answer', sdp: `answer to ${offer(['2', 'bo', 't']).sdp}`},
    {type: 'publish', tracks: [{mid: '3', source: 'screen', muted: false}]},
    {type: 'offer', sdp: 'offer 3'},
  ]);
  await answer();
  assert.equal(pc.signalingState, 'stable');
  assert.equal(of('error').length, 0);
});

test('glare while the own offer is still being made', async () => {
  const {room, pc, socket, of} = await connected();
  room.publish(new FakeTrack('video'), {source: 'screen'});
  await new Promise((done) => setImmediate(done)); // negotiationneeded has fired, setLocalDescription has not finished
  assert.equal(pc.signalingState, 'stable');
  socket.receive(offer(['2', 'bo', 't']));
  await settle();
  assert.equal(socket.of('answer').length, 1);
  assert.equal(socket.sent.at(-1).type, 'offer');
  assert.deepEqual(socket.of('publish').at(-1).tracks, [{mid: '3', source: 'screen', muted: false}]);
  await answer();
  assert.equal(pc.signalingState, 'stable');
  assert.equal(of('error').length, 0);
});

test('what is published while an offer is under way goes into the next', async () => {
  const {room, pc, socket} = await connected();
  room.publish(new FakeTrack('audio'));
  await settle();
  room.publish(new FakeTrack('video'));
  await settle();
  assert.equal(socket.of('offer').length, 1);
  await answer();
  assert.equal(socket.of('offer').length, 2);
  assert.deepEqual(socket.of('publish').at(-1).tracks.map(({source}) => source), ['microphone', 'camera']);
  await answer();
  assert.equal(pc.signalingState, 'stable');
});

test('what is published while a server’s offer is being answered is offered after it', async () => {
  const {room, pc, socket, of} = await connected();
  socket.receive(offer(['0', 'bo', 't']));
  room.publish(new FakeTrack('video'), {source: 'camera'});
  await settle();
  assert.deepEqual(socket.sent.map(({type}) => type), ['answer', 'publish', 'offer']);
  await answer();
  assert.equal(pc.getTransceivers().find((one) => one.sender.track)?.currentDirection, 'sendonly');
  assert.equal(of('error').length, 0);
});

test('a second answer to the same offer is ignored', async () => {
  const {room, pc, socket, of} = await connected();
  room.publish(new FakeTrack('audio'));
  await settle();
  socket.receive({type: 'answer', sdp: 'answer'});
  socket.receive({type: 'answer', sdp: 'answer'});
  await settle();
  await answer();
  assert.equal(pc.signalingState, 'stable');
  assert.equal(of('error').length, 0);
});

test('a description that the browser refuses is an error, and the call goes on', async () => {
  const {room, pc, socket, of} = await connected();
  socket.receive({type: 'offer', sdp: 'not what the fake expects'});
  await settle();
  assert.equal(of('error')[0].error.code, 'bad-sdp');
  assert.equal(of('error')[0].error.fatal, false);
  assert.equal(room.state, 'connected');
  socket.receive(offer());
  await settle();
  assert.equal(socket.of('answer').length, 1);
  assert.equal(pc.signalingState, 'stable');
});

test('candidates go both ways, null ends them', async () => {
  const {pc, socket} = await connected();
  pc.trickle({candidate: 'c1', sdpMid: '0'});
  pc.trickle(null);
  assert.deepEqual(socket.sent, [{type: 'candidate', candidate: {candidate: 'c1', sdpMid: '0'}}, {type: 'candidate', candidate: null}]);
  socket.receive({type: 'candidate', candidate: {candidate: 'c2'}});
  socket.receive({type: 'candidate', candidate: null});
  await settle();
  assert.deepEqual(pc.candidates, [{candidate: 'c2'}, undefined]);
});

test('a failed path restarts ICE at once', async () => {
  const {room, pc, socket} = await connected();
  pc.ice('failed');
  assert.equal(room.state, 'reconnecting');
  await settle();
  assert.deepEqual(socket.sent, [{type: 'offer', sdp: 'offer 2 restart'}]);
  await answer();
  pc.ice('connected');
  assert.equal(room.state, 'connected');
  await pass(60_000);
  assert.equal(pc.restarts, 1);
});

test('a disconnected path has three seconds to come back by itself', async () => {
  const {pc} = await connected();
  pc.ice('disconnected');
  await pass(2999);
  assert.equal(pc.restarts, 0);
  pc.ice('connected');
  await pass(60_000);
  assert.equal(pc.restarts, 0);
  pc.ice('disconnected');
  await pass(3000);
  assert.equal(pc.restarts, 1);
});

test('another network: the session is resumed over a new socket and ICE restarts', async () => {
  const {room, pc, socket, of} = await connected();
  page.dispatchEvent(new Event('online'));
  await settle();
  const next = FakeSocket.last;
  assert.notEqual(next, socket);
  assert.deepEqual(next.protocols, ['plenum.v1', 'session.s1']);
  assert.equal(pc.restarts, 1);
  // The server closes the old socket before it says joined on the new one.
  socket.receive({type: 'error', code: 'replaced', message: 'Resumed elsewhere.', fatal: true});
  socket.break(4004);
  assert.equal(room.state, 'reconnecting');
  next.join({resumed: true});
  await settle();
  assert.equal(room.state, 'connected');
  assert.equal(FakePeerConnection.all.length, 1);
  assert.equal(next.of('offer').at(-1).sdp, 'offer 2 restart');
  assert.equal(of('error').length, 0);
  await answer();
  assert.equal(pc.restarts, 1);
});

test('a socket that a resume leaves behind is closed without a goodbye, which would end the session', async () => {
  const {socket} = await connected();
  page.dispatchEvent(new Event('online'));
  FakeSocket.last.join({resumed: true});
  assert.deepEqual(socket.sent, []);
  assert.equal(socket.closedWith, 1000);
});

test('failed encryption over a working path needs a new session', async () => {
  const {pc, socket} = await connected();
  pc.connectionState = 'failed';
  pc.onconnectionstatechange();
  assert.deepEqual(FakeSocket.last.protocols, ['plenum.v1']);
  FakeSocket.last.join({id: 'me2', session: 's2'});
  assert.deepEqual(socket.sent, [{type: 'leave'}]);
  assert.equal(pc.signalingState, 'closed');
  assert.equal(FakePeerConnection.all.length, 2);
});

test('an offer that meets silence for eight seconds makes the socket suspect', async () => {
  const {room, socket} = await connected();
  room.publish(new FakeTrack('audio'));
  await settle();
  await pass(7999);
  assert.equal(FakeSocket.last, socket);
  await pass(1);
  assert.deepEqual(FakeSocket.last.protocols, ['plenum.v1', 'session.s1']);
});

test('an answered offer leaves the socket alone', async () => {
  const {room, socket} = await connected();
  room.publish(new FakeTrack('audio'));
  await settle();
  await pass(7999);
  await answer();
  await pass(60_000);
  assert.equal(FakeSocket.last, socket);
});

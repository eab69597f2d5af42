import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {PlenumError, join} from '../plenum.js';
import {FakePeerConnection, FakeSocket, FakeTrack, answer, enter, install, pass, settle} from './fakes.js';

beforeEach(install);

test('the address carries room and name, the subprotocols carry the secrets', async () => {
  await enter({room: 'a-b', name: 'Ada & Bo', token: 'aa.bb.cc'});
  const {url, protocols} = FakeSocket.last;
  assert.equal(url.searchParams.get('room'), 'a-b');
  assert.equal(url.searchParams.get('name'), 'Ada & Bo');
  assert.deepEqual(protocols, ['plenum.v1', 'token.aa.bb.cc']);
});

test('a browser without WebRTC is told before anybody is asked', async () => {
  const before = FakeSocket.last;
  delete globalThis.RTCPeerConnection; // install() puts it back
  await assert.rejects(join('ws://host/ws', {room: 'demo'}), (error) => error instanceof PlenumError && error.code === 'unsupported' && error.fatal);
  assert.equal(FakeSocket.last, before);
});

test('an http address becomes ws, a bare host /ws', async () => {
  const abort = new AbortController();
  const joining = join('https://host', {room: 'demo', signal: abort.signal});
  assert.equal(FakeSocket.last.url.href, 'wss://host/ws?room=demo&early=1');
  abort.abort();
  await assert.rejects(joining);
});

test('joining resolves with the room as it is', async () => {
  const bo = {id: 'bo', name: 'Bo', tracks: [{id: 't1', kind: 'video', source: 'camera', muted: true}]};
  const {room, of} = await enter({}, {participants: [bo], iceServers: [{urls: 'stun:x'}]});
  assert.equal(room.state, 'connected');
  assert.equal(room.localId, 'me');
  assert.equal(room.participants.get('bo').name, 'Bo');
  assert.equal(room.participants.get('bo').tracks.get('t1').muted, true);
  assert.equal(of('joined').length, 1);
  assert.deepEqual(FakePeerConnection.last.configuration, {bundlePolicy: 'max-bundle', iceServers: [{urls: 'stun:x'}]});
});

test('a viewer offers m-lines for what may come, and publishes nothing', async () => {
  const {pc, socket} = await enter();
  await pass(0);
  assert.deepEqual(pc.getTransceivers().map(({direction, sender}) => [direction, sender.track]), [['inactive', null], ['inactive', null]]);
  assert.deepEqual(socket.sent.map(({type}) => type), ['offer']);
  await answer();
  await pass(60_000);
  assert.equal(socket.of('offer').length, 1);
});

test('camera and microphone that come later use the m-lines that were offered for them', async () => {
  const {room, pc, socket} = await enter();
  await pass(0);
  await answer();
  const [audio, video] = [new FakeTrack('audio'), new FakeTrack('video', {width: 640, height: 360})];
  room.publish([video, audio]);
  await settle();
  assert.deepEqual(pc.getTransceivers().map(({direction, sender}) => [direction, sender.track]), [['sendonly', audio], ['sendonly', video]]);
  assert.deepEqual(socket.of('publish').at(-1).tracks.map(({mid, source}) => [mid, source]), [['1', 'camera'], ['0', 'microphone']]);
  assert.deepEqual(pc.getTransceivers()[1].sender.active, ['q', 'h']);
});

test('what is published right after joining goes into the first offer, named before it', async () => {
  const {room, pc, socket} = await enter();
  room.publish([new FakeTrack('audio'), new FakeTrack('video')]);
  await pass(0);
  assert.deepEqual(socket.sent, [
    {type: 'publish', tracks: [{mid: '0', source: 'microphone', muted: false}, {mid: '1', source: 'camera', muted: false}]},
    {type: 'offer', sdp: 'offer 1'},
  ]);
});

test('a refusal fails the join with the server’s code, without another attempt', async () => {
  for (const code of ['unauthorized', 'room-full', 'bad-room', 'bad-name', 'server-full']) {
    const joining = join('ws://host/ws', {room: 'demo'});
    const count = FakeSocket.all.length;
    FakeSocket.last.receive({type: 'error', code, message: 'No.', fatal: true});
    FakeSocket.last.break(1008);
    await assert.rejects(joining, (error) => error instanceof PlenumError && error.code === code && error.fatal);
    await pass(60_000);
    assert.equal(FakeSocket.all.length, count);
  }
});

test('a close code alone says why, too', async () => {
  const joining = join('ws://host/ws', {room: 'demo'});
  FakeSocket.last.break(4001);
  await assert.rejects(joining, {code: 'unauthorized'});
});

test('a token that no header can carry fails the join', async () => {
  await assert.rejects(join('ws://host/ws', {room: 'demo', token: 'a b'}), {code: 'unauthorized'});
});

test('a join without a room, or to what is no server, is the page’s mistake and says so', async () => {
  await assert.rejects(join('ws://host/ws'), {name: 'TypeError', message: /needs a room/});
  await assert.rejects(join('ws://host/ws', {name: 'Ada'}), {name: 'TypeError', message: /needs a room/});
  await assert.rejects(join('ftp://host/ws', {room: 'demo'}), {name: 'TypeError', message: /no address/});
  assert.equal(FakeSocket.all.length, 0);
});

test('a browser that does not let the page connect is not taken for a wrong token', async () => {
  globalThis.WebSocket = class { constructor() { throw new DOMException('An insecure connection', 'SecurityError'); } };
  await assert.rejects(join('ws://host/ws', {room: 'demo', token: 'T'}), {code: 'failed', message: /insecure connection/});
});

test('an unreachable server is tried three times', async () => {
  const joining = join('ws://host/ws', {room: 'demo'});
  joining.catch(() => {});
  FakeSocket.last.break();
  await pass(299);
  assert.equal(FakeSocket.all.length, 1);
  await pass(1);
  assert.equal(FakeSocket.all.length, 2);
  FakeSocket.last.break();
  await pass(1000);
  assert.equal(FakeSocket.all.length, 3);
  FakeSocket.last.break();
  await assert.rejects(joining, {code: 'unreachable'});
  await pass(60_000);
  assert.equal(FakeSocket.all.length, 3);
});

test('a server that never says joined is given up after ten seconds', async () => {
  const joining = join('ws://host/ws', {room: 'demo'});
  const first = FakeSocket.last;
  await pass(10_000);
  assert.equal(first.closedWith, 1000);
  await pass(300);
  assert.notEqual(FakeSocket.last, first);
  FakeSocket.last.join();
  assert.equal((await joining).state, 'connected');
});

test('aborting while joining rejects, closes the socket and dials no more', async () => {
  const abort = new AbortController();
  const joining = join('ws://host/ws', {room: 'demo', signal: abort.signal});
  abort.abort(new Error('changed my mind'));
  await assert.rejects(joining, /changed my mind/);
  assert.equal(FakeSocket.last.closedWith, 1000);
  FakeSocket.last.join();
  await pass(60_000);
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(FakePeerConnection.all.length, 0);
});

test('leaving while the join waits for its next attempt ends it', async () => {
  const abort = new AbortController();
  const joining = join('ws://host/ws', {room: 'demo', signal: abort.signal});
  FakeSocket.last.break();
  abort.abort();
  await assert.rejects(joining, {name: 'AbortError'});
  await pass(60_000);
  assert.equal(FakeSocket.all.length, 1);
});

test('an aborted signal joins nothing', async () => {
  await assert.rejects(join('ws://host/ws', {room: 'demo', signal: AbortSignal.abort()}), {name: 'AbortError'});
  assert.equal(FakeSocket.all.length, 0);
});

test('leaving says goodbye once and stops everything', async () => {
  const {room, pc, socket, of} = await enter();
  room.leave();
  room.leave();
  assert.deepEqual(socket.sent, [{type: 'leave'}]);
  assert.equal(socket.closedWith, 1000);
  assert.equal(pc.signalingState, 'closed');
  assert.deepEqual(of('state').map(({state}) => state), ['connected', 'closed']);
  assert.throws(() => room.publish(new FakeTrack('audio')), PlenumError);
  await pass(60_000);
  assert.equal(FakeSocket.all.length, 1);
});

test('messages and speakers name the participant, errors carry their code', async () => {
  const {room, socket, of} = await enter({}, {participants: [{id: 'bo', name: 'Bo', tracks: []}]});
  socket.receive({type: 'message', from: 'bo', body: {text: 'hi'}});
  socket.receive({type: 'speakers', speakers: [{id: 'me', level: 0.5}, {id: 'bo', level: 0.1}]});
  socket.receive({type: 'error', code: 'forbidden', message: 'You may not publish.', fatal: false});
  socket.receive({type: 'from-the-future'});
  socket.receive('not json');
  assert.equal(of('message')[0].participant.name, 'Bo');
  assert.deepEqual(of('message')[0].body, {text: 'hi'});
  assert.deepEqual(of('speakers')[0].speakers.map(({id, participant}) => [id, participant?.name]), [['me', undefined], ['bo', 'Bo']]);
  assert.equal(of('error')[0].error.code, 'forbidden');
  assert.equal(room.state, 'connected');
  assert.equal(room.send({a: 1}), true);
  assert.equal(room.send('psst', 'bo'), true);
  assert.deepEqual(socket.of('message'), [{type: 'message', body: {a: 1}}, {type: 'message', body: 'psst', to: 'bo'}]);
});

test('a listener that throws harms neither the others nor the call', async (context) => {
  const complaint = context.mock.method(console, 'error', () => {});
  const {room, socket} = await enter();
  const heard = [];
  room.on('message', () => { throw new Error('oops'); });
  const off = room.on('message', ({body}) => heard.push(body));
  socket.receive({type: 'message', from: 'x', body: 1});
  off();
  socket.receive({type: 'message', from: 'x', body: 2});
  await settle();
  assert.deepEqual(heard, [1]);
  assert.equal(complaint.mock.callCount(), 2);
});

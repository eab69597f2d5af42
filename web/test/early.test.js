/** The server's end of the transport is known before its answer comes. */
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {beforeEach, test} from 'node:test';
import {provisional} from '../sdk/provisional.js';
import {FakePeerConnection, FakeSocket, FakeTrack, answer, enter, install, offer, pass, settle} from './fakes.js';

beforeEach(install);

const transport = {ufrag: 'abcd', pwd: 'secret', fingerprint: 'sha-256 AB:CD', candidates: ['1 1 udp 1 192.0.2.1 9 typ host', '2 1 tcp 1 192.0.2.1 9 typ host tcptype passive']};

/** Joined, with the first offer on its way. */
async function offering() {
  const all = await enter({}, {transport});
  await pass(0);
  return all;
}

test('the path is looked for while the offer is on its way, and the answer ends it', async () => {
  const {pc, socket, of} = await offering();
  assert.deepEqual(socket.sent.map(({type}) => type), ['offer']);
  assert.equal(pc.signalingState, 'have-remote-pranswer');
  assert.match(pc.provisional, /^offer 1/);
  await answer();
  assert.equal(pc.signalingState, 'stable');
  socket.receive(offer(['s', 'bo', 't']));
  await settle();
  assert.equal(socket.sent.at(-1).type, 'answer');
  assert.equal(of('error').length, 0);
});

test('an offer of the server that follows its answer at once is no reason for a new session', async () => {
  const {pc, socket} = await offering();
  const {length} = FakeSocket.all;
  socket.receive({type: 'answer', sdp: 'answer'});
  socket.receive(offer(['s', 'bo', 't']));
  await settle();
  assert.equal(FakeSocket.all.length, length);
  assert.equal(pc.signalingState, 'stable');
  assert.equal(socket.sent.at(-1).type, 'answer');
});

test('only the first offer is answered in advance', async () => {
  const {room, pc} = await offering();
  await answer();
  room.publish(new FakeTrack('video'), {source: 'screen'});
  await settle();
  assert.equal(pc.signalingState, 'have-local-offer');
  await answer();
  assert.equal(pc.signalingState, 'stable');
});

test('a browser without provisional answers waits for the answer', async () => {
  FakePeerConnection.provisional = false;
  const {pc, of} = await offering();
  assert.equal(pc.signalingState, 'have-local-offer');
  await answer();
  assert.equal(pc.signalingState, 'stable');
  assert.equal(of('error').length, 0);
});

test('an offer whose answer was lost is repeated after a resume', async () => {
  const {pc, socket} = await offering();
  socket.break();
  await pass(400);
  FakeSocket.last.join({resumed: true});
  await settle();
  assert.deepEqual(FakeSocket.last.of('offer'), socket.of('offer'));
  await answer();
  assert.equal(pc.signalingState, 'stable');
});

test('where the answer went to a socket that broke, a new session begins', async () => {
  await offering();
  FakeSocket.last.break();
  await pass(400);
  const {length} = FakeSocket.all;
  FakeSocket.last.join({resumed: true});
  FakeSocket.last.receive(offer(['s', 'bo', 't']));
  await settle();
  assert.equal(FakeSocket.all.length, length + 1);
  assert.ok(!FakeSocket.last.protocols.some((one) => one.startsWith('session.')));
});

for (const name of ['chromium-simulcast', 'chromium-call', 'chromium-datachannel', 'firefox-simulcast', 'firefox-call']) {
  test(`the offer of ${name} turned round`, () => {
    const text = readFileSync(new URL(`../../sfu/internal/jsep/testdata/${name}.sdp`, import.meta.url), 'utf8');
    const sdp = provisional(text, transport);
    const sections = (one) => one.split(/^(?=m=)/m).slice(1);
    assert.equal(sections(sdp).length, sections(text).length);
    assert.deepEqual(sdp.match(/^a=(mid|group):.*$/gm), text.replace(/\r/g, '').match(/^a=(mid|group):.*$/gm));
    assert.equal(sdp.match(/^a=candidate:/gm)?.length, 2);
    for (const section of sections(sdp)) {
      assert.match(section, /^a=ice-ufrag:abcd\r\na=ice-pwd:secret\r\n(.*\r\n)*a=fingerprint:sha-256 AB:CD\r\na=setup:passive\r\n/m);
      assert.match(section, /^m=\w+ 9 /);
    }
    assert.doesNotMatch(sdp, /^a=(ssrc|msid:|sendonly|sendrecv|bundle-only|setup:actpass)|^a=(rid:\S+|simulcast:) ?send/m);
    assert.equal(/^a=simulcast:recv \S/m.test(sdp), /^a=simulcast:send \S/m.test(text));
  });
}

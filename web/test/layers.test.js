/** In which layers video is sent, and which of them are encoded. */
import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {encodings} from '../sdk/encodings.js';
import {keepPaused, narrow, offerRepeats} from '../sdk/sending.js';
import {FakePeerConnection, FakeSocket, FakeTrack, answer, enter, install, offer, pass, settle} from './fakes.js';

beforeEach(install);

const hd = {width: 1280, height: 720};
const vga = {width: 640, height: 360};
const tiny = {width: 320, height: 180};

/** A camera is published and connected. */
async function publishing(size, options) {
  const all = await enter();
  const track = new FakeTrack('video', size);
  const publication = all.room.publish(track, options);
  await settle();
  await answer();
  const [transceiver] = all.pc.getTransceivers();
  return {...all, track, publication, transceiver, sender: transceiver.sender, layers: (active) => {
    all.socket.receive({type: 'layers', mid: transceiver.mid, active});
    return settle();
  }};
}

const brief = (list) => list.filter((one) => one.active).map((one) => [one.rid, one.scaleResolutionDownBy, one.maxBitrate]);

test('a camera has three layers, two or one, by the longer side of its picture', () => {
  for (const [size, expected] of [
    [{width: 1920, height: 1080}, [['q', 4, 390_000], ['h', 2, 1_100_000], ['f', 1, 3_120_000]]],
    [hd, [['q', 4, 210_000], ['h', 2, 600_000], ['f', 1, 1_700_000]]],
    [{width: 720, height: 1280}, [['q', 4, 210_000], ['h', 2, 600_000], ['f', 1, 1_700_000]]],
    [{width: 960, height: 540}, [['q', 4, 140_000], ['h', 2, 390_000], ['f', 1, 1_100_000]]],
    [{width: 959, height: 540}, [['q', 2, 390_000], ['h', 1, 1_100_000]]],
    [vga, [['q', 2, 210_000], ['h', 1, 600_000]]],
    [{width: 480, height: 270}, [['q', 2, 140_000], ['h', 1, 390_000]]],
    [{width: 479, height: 270}, [['q', 1, 390_000]]],
    [tiny, [['q', 1, 210_000]]],
    [{}, [['q', 4, 210_000], ['h', 2, 600_000], ['f', 1, 1_700_000]]],
  ]) {
    const all = encodings('camera', {}, size);
    assert.deepEqual(all.map(({rid}) => rid), ['q', 'h', 'f'], 'what is negotiated is the same for every size');
    assert.deepEqual(brief(all), expected, JSON.stringify(size));
    assert.ok(all.every(({scalabilityMode}) => scalabilityMode === 'L1T3'));
  }
});

test('limits of the page are those of the topmost layer', () => {
  assert.deepEqual(brief(encodings('camera', {maxBitrate: 900_000}, hd)).map(([, , rate]) => rate), [210_000, 600_000, 900_000]);
  assert.deepEqual(brief(encodings('camera', {maxBitrate: 300_000}, tiny)).map(([, , rate]) => rate), [300_000]);
  assert.equal(encodings('screen', {maxFramerate: 30}, hd)[1].maxFramerate, 30);
});

test('without simulcast there is one layer and no rid', () => {
  for (const codec of [undefined, 'VP9']) {
    assert.deepEqual(encodings('camera', {simulcast: false, codec}, hd), [{active: true, maxBitrate: 1_700_000}]);
  }
});

test('VP9 and AV1 have their layers within one stream, H264 in several', () => {
  for (const codec of ['VP9', 'av1']) {
    assert.deepEqual(encodings('camera', {codec}, hd), [{active: true, maxBitrate: 2_510_000, scalabilityMode: 'L3T3_KEY'}]);
  }
  assert.equal(encodings('camera', {codec: 'VP9', scalabilityMode: 'L2T1'}, hd)[0].scalabilityMode, 'L2T1');
  assert.equal(encodings('camera', {codec: 'H264'}, hd).length, 3);
});

test('a screen is sharp and slow, with a small layer for who can take no more', () => {
  const [low, full] = encodings('screen', {}, {width: 2560, height: 1440});
  assert.deepEqual([low.rid, low.scaleResolutionDownBy, low.maxFramerate, low.maxBitrate], ['q', 4, 5, 250_000]);
  assert.deepEqual([full.rid, full.scaleResolutionDownBy, full.maxFramerate, full.maxBitrate], ['f', 1, 15, 4_810_000]);
  assert.equal(encodings('screen', {}, tiny)[1].maxBitrate, 2_000_000, 'a window may become larger');
  assert.equal(encodings('screen', {codec: 'VP9'}, hd)[0].scalabilityMode, 'L1T2', 'Chromium sends no spatial layers of a screen in VP9');
  assert.equal(encodings('screen', {codec: 'AV1'}, hd)[0].scalabilityMode, 'L2T2_KEY');
});

test('a browser that refuses scalability modes gets the layers without, and one that refuses layers sends one', async (context) => {
  const add = FakePeerConnection.prototype.addTransceiver;
  for (const [refuses, expected] of [
    [({sendEncodings}) => sendEncodings?.some((one) => one.scalabilityMode), [undefined, undefined, undefined]],
    [({sendEncodings}) => sendEncodings, undefined],
  ]) {
    context.mock.method(FakePeerConnection.prototype, 'addTransceiver', function refuse(track, init) {
      if (refuses(init)) throw new DOMException('no', 'OperationError');
      return add.call(this, track, init);
    });
    const {transceiver} = await publishing(hd);
    assert.deepEqual(transceiver.init.sendEncodings?.map((one) => one.scalabilityMode), expected);
  }
});

test('VP8 goes first where a browser prefers another codec, and the others stay', async () => {
  RTCRtpReceiver.getCapabilities = () => ({codecs: ['H264', 'rtx', 'VP8'].map((name) => ({mimeType: `video/${name}`}))});
  const {transceiver} = await publishing(hd);
  assert.deepEqual(transceiver.codecs.map(({mimeType}) => mimeType), ['video/VP8', 'video/H264', 'video/rtx']);
});

test('layers that nobody watches are not encoded, until someone does', async () => {
  const {sender, layers, socket} = await publishing(hd);
  const before = sender.writes;
  await layers({q: true, h: false, f: false});
  assert.deepEqual(sender.active, ['q']);
  await layers({q: true, h: false, f: false});
  socket.receive({type: 'layers', mid: 'another', active: {q: false}});
  await settle();
  assert.equal(sender.writes, before + 1, 'nothing is written where nothing changes');
  await layers({q: false, h: false, f: false});
  assert.deepEqual(sender.active, []);
  await layers({q: true, h: true, f: true});
  assert.deepEqual(sender.active, ['q', 'h', 'f']);
});

test('messages in quick succession end in the state of the last', async () => {
  const {sender, socket, transceiver} = await publishing(hd);
  for (const f of [false, true, false, true, false]) socket.receive({type: 'layers', mid: transceiver.mid, active: {q: true, h: true, f}});
  await settle();
  assert.deepEqual(sender.active, ['q', 'h']);
});

test('a description does not start unwatched layers again', async () => {
  const {sender, layers, socket} = await publishing(hd);
  await layers({q: true, h: false, f: false});
  socket.receive(offer());
  await settle();
  assert.deepEqual(sender.active, ['q']);
});

test('a description says itself which layers are paused, so that none is started for a moment', () => {
  const local = (mid, ...paused) => ({transceiver: {mid, sender: {
    getParameters: () => ({encodings: ['q', 'h', 'f'].map((rid) => ({rid, active: !paused.includes(rid)}))}),
  }}});
  const sdp = (first, second) => ['v=0', 'm=video 9', 'a=mid:0', `a=simulcast:${first}`, 'm=audio 9', 'a=mid:1', 'm=video 9', 'a=mid:2', `a=simulcast:${second}`, ''].join('\r\n');
  const paused = (text, ...locals) => keepPaused(text, locals);
  assert.equal(paused(sdp('recv q;h;f', 'recv q;h;f'), local('0', 'h', 'f'), local('2', 'q')), sdp('recv q;~h;~f', 'recv ~q;h;f'));
  assert.equal(paused(sdp('send x recv ~q;h,f', 'recv q;h;f'), local('0', 'q', 'f')), sdp('send x recv ~q;h,~f', 'recv q;h;f'));
  const whole = sdp('recv q;h;f', 'recv q;h;f');
  assert.equal(paused(whole, local('0'), local(null, 'q'), {transceiver: null}), whole);
});

test('a layer that the capture is too small for does not count as unwatched', async () => {
  const {sender, layers} = await publishing(vga);
  assert.deepEqual(sender.active, ['q', 'h'], 'although the answer calls no layer paused');
  await layers({q: false, h: false, f: true});
  assert.deepEqual(sender.active, ['h']);
  await layers({q: true, h: false, f: false});
  assert.deepEqual(sender.active, ['q']);
});

test('another camera brings the layers of its size', async () => {
  const {sender, publication, layers} = await publishing(hd);
  await layers({q: true, h: true, f: false});
  await publication.replaceTrack(new FakeTrack('video', vga));
  assert.deepEqual(brief(sender.getParameters().encodings), [['q', 2, 210_000], ['h', 1, 600_000]]);
  await publication.replaceTrack(new FakeTrack('video', hd));
  assert.deepEqual(brief(sender.getParameters().encodings), [['q', 4, 210_000], ['h', 2, 600_000]]);
  await layers({q: true, h: true, f: true});
  assert.deepEqual(sender.active, ['q', 'h', 'f']);
});

test('muting does not forget what is watched', async () => {
  const {sender, publication, layers} = await publishing(hd);
  await publication.mute();
  await layers({q: true, h: false, f: false});
  await publication.unmute();
  assert.deepEqual(sender.active, ['q']);
});

test('an m-line used again begins with all layers', async () => {
  const {room, sender, publication, layers} = await publishing(hd);
  await layers({q: true, h: false, f: false});
  publication.unpublish();
  room.publish(new FakeTrack('video', hd));
  await settle();
  assert.deepEqual(sender.active, ['q', 'h', 'f']);
});

test('after a resume and in a new session the server has to say it again', async () => {
  const {sender, layers, socket} = await publishing(hd);
  await layers({q: true, h: false, f: false});
  socket.break();
  await pass(0);
  FakeSocket.last.join({resumed: true});
  await settle();
  assert.deepEqual(sender.active, ['q', 'h', 'f']);
  FakeSocket.last.receive({type: 'layers', mid: '0', active: {q: true, h: false, f: false}});
  await settle();
  FakeSocket.last.break();
  await pass(0);
  FakeSocket.last.join({resumed: false});
  await settle();
  assert.deepEqual(FakePeerConnection.last.getTransceivers()[0].sender.active, ['q', 'h', 'f']);
});

test('layers within one stream are the server’s to choose', async () => {
  const {sender, layers} = await publishing(hd, {codec: 'VP9'});
  await layers({q: false, h: false, f: false});
  assert.deepEqual(sender.active, ['']);
});

test('an offer says that lost packets of sound may be asked for, where the browser knows RED', () => {
  const audio = (...lines) => ['m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9', 'a=mid:0', ...lines, ''].join('\r\n');
  const red = audio('a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 transport-cc', 'a=rtpmap:63 red/48000/2', 'a=fmtp:63 111/111', 'a=rtpmap:9 G722/8000');
  const session = 'v=0\r\ns=-\r\n', video = 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n';
  const offered = offerRepeats(session + red + video);
  assert.deepEqual(offered.match(/a=rtcp-fb:.*(?=\r\n)/g), ['a=rtcp-fb:111 nack', 'a=rtcp-fb:111 transport-cc', 'a=rtcp-fb:63 nack']);
  assert.ok(offered.startsWith(session) && offered.endsWith(video));
  assert.equal(offerRepeats(offered), offered, 'said once');
  const plain = audio('a=rtpmap:111 opus/48000/2');
  assert.equal(offerRepeats(session + plain), session + plain);
});

test('m-lines of the server’s are told what they carry, each time that this changes', () => {
  RTCRtpReceiver.getCapabilities = (kind) => ({codecs: (kind === 'video' ? ['VP8', 'rtx', 'VP9', 'H264', 'H264'] : ['opus', 'red', 'G722']).map((name) => ({mimeType: `${kind}/${name}`}))});
  const line = (mid, kind, track = null) => ({mid, sender: {track}, receiver: {track: {kind}}, set: [], setCodecPreferences(codecs) { this.set.push(codecs.map(({mimeType}) => mimeType.split('/')[1]).join()); }});
  const sound = line('s0', 'audio'), video = line('s1', 'video'), own = line('0', 'video', {}), returned = line('s2', 'video');
  const pc = {getTransceivers: () => [own, sound, video, returned]};
  const section = (mid, direction, ...names) => `m=x\r\na=mid:${mid}\r\na=${direction}\r\n${names.map((name, i) => `a=rtpmap:${i + 96} ${name}/90000\r\n`).join('')}`;
  const offered = (...names) => narrow(pc, `v=0\r\n${section('0', 'sendrecv', 'VP8')}${section('s0', 'sendonly', 'opus', 'red')}${section('s1', 'sendonly', ...names)}${section('s2', 'recvonly', 'VP8')}`, [{transceiver: returned}]);
  offered('VP8', 'rtx');
  offered('VP8', 'rtx');
  offered('H264', 'rtx');
  offered('H266');
  assert.deepEqual([own.set, sound.set, video.set, returned.set], [[], ['opus,red'], ['VP8,rtx', 'rtx,H264,H264', ''], []]);
});

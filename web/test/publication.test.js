import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {FakeStream, FakeTrack, answer, enter, install, pass, settle} from './fakes.js';

beforeEach(install);

/** Publishing, and connected. */
async function publishing(media, options) {
  const all = await enter();
  const publication = all.room.publish(media, options);
  await settle();
  await answer();
  const published = all.socket.of('publish').at(-1);
  all.socket.sent = [];
  return {...all, publication, published};
}

test('sources follow the kind of track and the wish', async () => {
  const stream = () => new FakeStream([new FakeTrack('audio'), new FakeTrack('video')]);
  const sources = ({published}) => published.tracks.map(({source}) => source);
  assert.deepEqual(sources(await publishing(stream())), ['microphone', 'camera']);
  assert.deepEqual(sources(await publishing(stream(), {source: 'screen'})), ['screen-audio', 'screen']);
  assert.deepEqual(sources(await publishing(new FakeTrack('audio'), {source: 'screen-audio'})), ['screen-audio']);
});

test('muting stops the packets and tells the others; unmuting brings both back', async () => {
  const track = new FakeTrack('audio');
  const {pc, socket, publication} = await publishing(track);
  const [{sender}] = pc.getTransceivers();
  await publication.mute();
  assert.equal(publication.muted, true);
  assert.equal(sender.track, null);
  assert.equal(track.enabled, false);
  await publication.mute();
  await publication.unmute();
  assert.equal(sender.track, track);
  assert.equal(track.enabled, true);
  assert.deepEqual(socket.sent, [{type: 'mute', mid: '0', muted: true}, {type: 'mute', mid: '0', muted: false}]);
});

test('quick toggles end in the state of the last', async () => {
  const track = new FakeTrack('audio');
  const {pc, publication} = await publishing(track);
  await Promise.all([publication.mute(), publication.unmute(), publication.mute(), publication.unmute(), publication.mute()]);
  assert.equal(pc.getTransceivers()[0].sender.track, null);
  await Promise.all([publication.unmute(), publication.mute(), publication.unmute()]);
  assert.equal(pc.getTransceivers()[0].sender.track, track);
});

test('one kind of a publication can be muted alone', async () => {
  const {socket, publication} = await publishing(new FakeStream([new FakeTrack('audio'), new FakeTrack('video')]));
  await publication.mute('video');
  assert.equal(publication.muted, false);
  assert.deepEqual(socket.sent, [{type: 'mute', mid: '1', muted: true}]);
});

test('muting before the first offer goes with it', async () => {
  const {room, pc, socket} = await enter();
  const publication = room.publish(new FakeTrack('video'), {muted: true});
  const other = room.publish(new FakeTrack('audio'));
  await other.mute();
  await settle();
  assert.deepEqual(socket.sent[0], {type: 'publish', tracks: [
    {mid: '0', source: 'camera', muted: true}, {mid: '1', source: 'microphone', muted: true},
  ]});
  assert.equal(socket.of('mute').length, 0);
  assert.deepEqual(pc.getTransceivers().map(({sender}) => sender.track), [null, null]);
  assert.equal(publication.tracks[0].enabled, false);
});

test('replacing a track needs no offer, and waits for the unmute while muted', async () => {
  const {pc, socket, publication} = await publishing(new FakeTrack('video'));
  const [{sender}] = pc.getTransceivers();
  const second = new FakeTrack('video');
  await publication.replaceTrack(second);
  assert.equal(sender.track, second);
  await publication.mute();
  const third = new FakeTrack('video');
  await publication.replaceTrack(third);
  assert.equal(sender.track, null);
  assert.equal(third.enabled, false);
  await publication.unmute();
  assert.equal(sender.track, third);
  assert.deepEqual(publication.tracks, [third]);
  assert.equal(socket.of('offer').length, 0);
  await assert.rejects(publication.replaceTrack(new FakeTrack('audio')), TypeError);
});

test('an unpublished track’s m-line is used again by the next of its kind', async () => {
  const {room, pc, socket, publication, of} = await publishing(new FakeTrack('video'));
  publication.unpublish();
  publication.unpublish();
  await settle();
  const [transceiver] = pc.getTransceivers();
  assert.equal(transceiver.direction, 'inactive');
  assert.equal(transceiver.sender.track, null);
  assert.deepEqual(socket.sent.map(({type}) => type), ['offer']);
  assert.equal(of('unpublished').length, 1);
  assert.equal(publication.ended, true);
  assert.deepEqual(room.publications, []);
  await answer();
  const audio = new FakeTrack('audio');
  const camera = new FakeTrack('video');
  room.publish(audio);
  room.publish(camera);
  await settle();
  assert.deepEqual(pc.getTransceivers().map(({sender, direction}) => [sender.track, direction]), [[camera, 'sendonly'], [audio, 'sendonly']]);
  assert.deepEqual(socket.of('publish').at(-1).tracks.map(({mid, source}) => [mid, source]), [['1', 'microphone'], ['0', 'camera']]);
});

test('a screen shared for the hundredth time uses the m-line of the first', async () => {
  const {room, pc} = await publishing(new FakeTrack('video'));
  for (let i = 0; i < 100; i++) room.publish(new FakeTrack('video'), {source: 'screen'}).unpublish();
  assert.equal(pc.getTransceivers().length, 2);
});

test('an m-line with layers or another codec is not used again for what has none', async () => {
  const {room, pc, publication} = await publishing(new FakeTrack('video'));
  publication.unpublish();
  room.publish(new FakeTrack('video'), {simulcast: false});
  assert.equal(pc.getTransceivers().length, 2);
  room.publish(new FakeTrack('video'), {codec: 'VP9'});
  assert.equal(pc.getTransceivers().length, 3);
});

test('tracks that end unpublish themselves, the last one of a publication all of it', async () => {
  const [audio, video] = [new FakeTrack('audio'), new FakeTrack('video')];
  const {room, publication, of} = await publishing(new FakeStream([audio, video]));
  video.end();
  assert.equal(publication.ended, false);
  audio.end();
  assert.equal(publication.ended, true);
  assert.deepEqual(of('unpublished').map((event) => event.publication), [publication]);
  assert.deepEqual(room.publications, []);
});

test('a track that was replaced may end without consequence', async () => {
  const first = new FakeTrack('video');
  const {publication} = await publishing(first);
  await publication.replaceTrack(new FakeTrack('video'));
  first.end();
  assert.equal(publication.ended, false);
});

test('a codec on request is the only one offered, besides its repair', async () => {
  const {pc} = await publishing(new FakeStream([new FakeTrack('video'), new FakeTrack('audio')]), {codec: 'vp9'});
  const [video, audio] = pc.getTransceivers();
  assert.deepEqual(video.codecs.map(({mimeType}) => mimeType), ['video/VP9', 'video/rtx']);
  assert.equal(audio.codecs, undefined);
  const unknown = await publishing(new FakeTrack('video'), {codec: 'H266'});
  assert.equal(unknown.pc.getTransceivers()[0].codecs, undefined);
});

test('a shared screen is published until the person stops it', async (context) => {
  const video = new FakeTrack('video');
  Object.defineProperty(globalThis, 'navigator', {configurable: true, value: {mediaDevices: {
    getDisplayMedia: context.mock.fn(async () => new FakeStream([video])),
  }}});
  context.after(() => Reflect.deleteProperty(globalThis, 'navigator'));
  const {room, socket, of} = await enter();
  const publication = await room.publishScreen({audio: false});
  await pass(0);
  assert.equal(publication.source, 'screen');
  assert.equal(video.contentHint, 'detail');
  assert.equal(navigator.mediaDevices.getDisplayMedia.mock.calls[0].arguments[0].audio, false);
  assert.deepEqual(socket.of('publish')[0].tracks, [{mid: '0', source: 'screen', muted: false}]);
  video.end();
  assert.equal(of('unpublished').length, 1);
});

test('a room left while the screen is being chosen does not keep the screen', async (context) => {
  const video = new FakeTrack('video');
  const {room} = await enter();
  Object.defineProperty(globalThis, 'navigator', {configurable: true, value: {mediaDevices: {
    getDisplayMedia: async () => {
      room.leave();
      return new FakeStream([video]);
    },
  }}});
  context.after(() => Reflect.deleteProperty(globalThis, 'navigator'));
  await assert.rejects(room.publishScreen(), {code: 'failed'});
  assert.equal(video.readyState, 'ended');
});

test('nothing to publish is a mistake', async () => {
  const {room} = await enter();
  assert.throws(() => room.publish([]), TypeError);
});

test('sound goes with redundancy where the browser can', async () => {
  for (const [has, expected] of /** @type {const} */ ([[['opus', 'red', 'G722'], ['audio/red', 'audio/opus', 'audio/G722']], [['opus', 'G722'], undefined]])) {
    RTCRtpReceiver.getCapabilities = (kind) => ({codecs: kind === 'audio' ? has.map((name) => ({mimeType: `audio/${name}`})) : []});
    const {pc} = await publishing(new FakeTrack('audio'));
    assert.deepEqual(pc.getTransceivers()[0].codecs?.map(({mimeType}) => mimeType), expected);
  }
});

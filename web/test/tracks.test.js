import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';
import {answer, enter, install, offer, pass, settle} from './fakes.js';

beforeEach(install);

const camera = {id: 'bo-v', kind: 'video', source: 'camera', muted: false};
const microphone = {id: 'bo-a', kind: 'audio', source: 'microphone', muted: false};
const bo = {id: 'bo', name: 'Bo', tracks: [camera, microphone]};
const cy = {id: 'cy', name: 'Cy', tracks: [{id: 'cy-v', kind: 'video', source: 'camera', muted: false}]};

/** The `tracks` message. */
function tracks(...entries) {
  return {type: 'tracks', tracks: entries.map(([mid, id, more]) => ({
    mid, id, participant: id.split('-')[0], kind: id.endsWith('a') ? 'audio' : 'video',
    source: id.endsWith('a') ? 'microphone' : 'camera', ...more,
  }))};
}

function participant(event, info) {
  return {type: 'participant', event, participant: info};
}

/** In a room with Bo, whose camera and microphone are received. */
async function watching() {
  const all = await enter({}, {participants: [bo]});
  await pass(0);
  await answer();
  all.socket.receive(tracks(['0', 'bo-v'], ['1', 'bo-a']));
  all.socket.receive(offer(['0', 'stream-bo', 'video-bo'], ['1', 'stream-bo', 'audio-bo']));
  await settle();
  return all;
}

test('a track comes with its participant, source and stream once its offer is applied', async () => {
  const {room, of} = await watching();
  assert.deepEqual(of('track').map(({participant, source, kind, stream, mediaTrack, track}) => (
    [participant.name, source, kind, stream, mediaTrack, track.mid])), [
    ['Bo', 'camera', 'video', 'stream-bo', 'video-bo', '0'],
    ['Bo', 'microphone', 'audio', 'stream-bo', 'audio-bo', '1'],
  ]);
  assert.equal(room.participants.get('bo').tracks.get('bo-v').mediaTrack, 'video-bo');
});

test('a mapping alone shows nothing, nor does ontrack without a mapping', async () => {
  const {socket, of} = await enter({}, {participants: [bo]});
  await pass(0);
  await answer();
  socket.receive(tracks(['0', 'bo-v']));
  await settle();
  assert.equal(of('track').length, 0);
  socket.receive(offer(['0', 'stream-bo', 'video-bo'], ['7', 'x', 'y']));
  await settle();
  assert.deepEqual(of('track').map(({mediaTrack}) => mediaTrack), ['video-bo']);
});

test('the same mapping said again changes nothing', async () => {
  const {socket, events} = await watching();
  const before = events.length;
  socket.receive(tracks(['0', 'bo-v'], ['1', 'bo-a']));
  socket.receive(offer());
  await settle();
  assert.equal(events.length, before);
});

test('an m-line used again shows the new track only with its own offer', async () => {
  const {socket, of} = await watching();
  socket.receive(participant('joined', cy));
  socket.receive(participant('left', bo));
  assert.deepEqual(of('track-ended').map(({track}) => track.id), ['bo-v', 'bo-a']);
  assert.equal(of('participant-left')[0].participant.name, 'Bo');
  socket.receive(tracks(['0', 'cy-v']));
  await settle();
  assert.equal(of('track').length, 2);
  socket.receive(offer(['0', 'stream-cy', 'video-bo'])); // the receiver's track stays the same object
  await settle();
  const [, , third] = of('track');
  assert.deepEqual([third.participant.name, third.stream, third.mediaTrack], ['Cy', 'stream-cy', 'video-bo']);
});

test('a mapping for the next offer does not touch the one being applied', async () => {
  const {socket, of} = await watching();
  socket.receive(participant('joined', cy));
  socket.receive(tracks(['0', 'bo-v'], ['1', 'bo-a'], ['2', 'cy-v']));
  socket.receive(offer(['2', 'stream-cy', 'video-cy']));
  // While that is being applied, Bo's camera is gone and its m-line already promised to Cy's screen.
  socket.receive(participant('updated', {...bo, tracks: [microphone]}));
  socket.receive(tracks(['1', 'bo-a'], ['2', 'cy-v'], ['0', 'cy-s', {source: 'screen'}]));
  await settle();
  assert.deepEqual(of('track-ended').map(({track}) => track.id), ['bo-v']);
  assert.deepEqual(of('track').map(({track}) => track.id), ['bo-v', 'bo-a', 'cy-v']);
  socket.receive(offer(['0', 'stream-cy.screen', 'video-bo']));
  await settle();
  assert.deepEqual(of('track').map(({track}) => track.id), ['bo-v', 'bo-a', 'cy-v', 'cy-s']);
  assert.equal(of('track').at(-1).source, 'screen');
});

test('a track whose m-line is taken away while its offer is applied does not begin', async () => {
  const {socket, of} = await watching();
  socket.receive(participant('joined', cy));
  socket.receive(tracks(['0', 'bo-v'], ['1', 'bo-a'], ['2', 'cy-v']));
  socket.receive(offer(['2', 'stream-cy', 'video-cy']));
  socket.receive(tracks(['0', 'bo-v'], ['1', 'bo-a']));
  await settle();
  assert.deepEqual(of('track').map(({track}) => track.id), ['bo-v', 'bo-a']);
});

test('a track that is unpublished ends, by the list of tracks or by the mapping', async () => {
  const {room, socket, of} = await watching();
  socket.receive(participant('updated', {...bo, tracks: [microphone]}));
  assert.deepEqual(of('track-ended').map(({track}) => track.id), ['bo-v']);
  assert.equal(room.participants.get('bo').tracks.size, 1);
  socket.receive(tracks());
  assert.deepEqual(of('track-ended').map(({track}) => track.id), ['bo-v', 'bo-a']);
  assert.equal(room.participants.get('bo').tracks.get('bo-a').mediaTrack, null);
});

test('muting and names arrive as updates and leave the media alone', async () => {
  const {room, socket, of} = await watching();
  socket.receive(participant('updated', {...bo, name: 'Bob', tracks: [{...camera, muted: true, codec: 'VP8'}, microphone]}));
  assert.equal(of('participant-updated').length, 1);
  const now = room.participants.get('bo');
  assert.equal(now.name, 'Bob');
  assert.equal(now.tracks.get('bo-v').muted, true);
  assert.equal(now.tracks.get('bo-v').codec, 'VP8');
  assert.equal(now.tracks.get('bo-v').mediaTrack, 'video-bo');
  assert.equal(of('track-ended').length, 0);
});

test('a codec that can’t be decoded is told once, and taken back when it changes', async () => {
  const {room, socket, of} = await watching();
  socket.receive(participant('joined', cy));
  const refused = tracks(['0', 'bo-v'], ['1', 'bo-a'], [null, 'cy-v', {unsupported: 'AV1'}]);
  socket.receive(refused);
  socket.receive(refused);
  assert.deepEqual(of('track-unsupported').map(({participant, source, codec}) => [participant.name, source, codec]), [['Cy', 'camera', 'AV1']]);
  const track = room.participants.get('cy').tracks.get('cy-v');
  assert.equal(track.unsupported, 'AV1');
  socket.receive(tracks(['0', 'bo-v'], ['1', 'bo-a'], ['2', 'cy-v']));
  assert.equal(track.unsupported, null);
  assert.equal(of('participant-updated').at(-1).participant.name, 'Cy');
  socket.receive(offer(['2', 'stream-cy', 'video-cy']));
  await settle();
  assert.equal(of('track').at(-1).mediaTrack, 'video-cy');
});

test('tracks of people that nobody introduced are ignored', async () => {
  const {room, socket, of} = await watching();
  socket.receive(tracks(['0', 'bo-v'], ['1', 'bo-a'], ['2', 'ghost-v'], [null, 'ghost2-v', {unsupported: 'AV1'}]));
  socket.receive(offer(['2', 'g', 'video-g']));
  socket.receive(participant('left', {id: 'ghost', name: ''}));
  await settle();
  assert.equal(room.participants.size, 1);
  assert.equal(of('track').length, 2);
  assert.equal(of('participant-left').length, 0);
});

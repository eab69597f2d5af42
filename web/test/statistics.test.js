import assert from 'node:assert/strict';
import {test} from 'node:test';
import {Statistics} from '../sdk/statistics.js';

/** @param {Record<string, object>} extra */
function report(extra) {
  return new Map(Object.entries({
    T: {type: 'transport', selectedCandidatePairId: 'P'},
    P: {type: 'candidate-pair', currentRoundTripTime: 0.04, availableOutgoingBitrate: 1e6, localCandidateId: 'L', remoteCandidateId: 'R'},
    L: {type: 'local-candidate', protocol: 'udp', candidateType: 'host'},
    R: {type: 'remote-candidate', protocol: 'udp', candidateType: 'prflx'},
    C: {type: 'codec', mimeType: 'video/VP8'},
    ...extra,
  }).map(([id, entry]) => [id, {id, ...entry}]));
}

const inbound = (bytesReceived, packetsReceived, packetsLost) => ({
  type: 'inbound-rtp', kind: 'video', mid: '3', codecId: 'C', bytesReceived, packetsReceived, packetsLost, frameWidth: 640, frameHeight: 360, framesPerSecond: 15,
});

test('counters become rates', () => {
  const statistics = new Statistics();
  const first = statistics.sample(report({I: inbound(1000, 10, 0)}), 0, 1000);
  assert.equal(first.received, 0, 'nothing to compare with yet');
  const second = statistics.sample(report({I: inbound(126_000, 100, 10)}), 2e6, 2000);
  assert.equal(second.received, 1e6);
  assert.equal(second.loss, 0.1);
  assert.equal(second.rtt, 0.04);
  assert.equal(second.uplink, 1e6);
  assert.equal(second.downlink, 2e6);
  assert.equal(second.path, 'udp host → prflx');
  assert.deepEqual(second.tracks.map(({direction, codec, width, mid, loss}) => [direction, codec, width, mid, loss]), [['in', 'VP8', 640, '3', 0.1]]);
});

test('a new stream and a counter that starts over give no absurd rates', () => {
  const statistics = new Statistics();
  statistics.sample(report({I: inbound(1_000_000, 1000, 50)}), 0, 1000);
  const next = statistics.sample(report({I: inbound(100, 1, 0), J: inbound(5_000_000, 9000, 0)}), 0, 2000);
  assert.equal(next.received, 0);
  assert.ok(next.loss >= 0 && next.loss <= 1);
});

test('what is sent names its losses and limits', () => {
  const statistics = new Statistics();
  const outbound = {type: 'outbound-rtp', kind: 'video', mid: '0', rid: 'q', codecId: 'C', bytesSent: 0, packetsSent: 0, qualityLimitationReason: 'bandwidth'};
  const {tracks} = statistics.sample(report({O: outbound, X: {type: 'remote-inbound-rtp', localId: 'O', fractionLost: 0.25}}), 0, 1000);
  assert.deepEqual(tracks.map(({direction, rid, loss, limitation}) => [direction, rid, loss, limitation]), [['out', 'q', 0.25, 'bandwidth']]);
});

// werift: ICE, DTLS and SRTP in TypeScript. It has no encoder, so it publishes
// what it receives of pion.

import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket, useNACK, useOPUS, usePLI, useVP8 } from 'werift';
import { Call, Received } from '../call.js';
import { isKeyframe } from '../rtp.js';

export async function join(url, room, name) {
  const pc = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ['127.0.0.1'],
    bundlePolicy: 'max-bundle',
    codecs: { audio: [useOPUS()], video: [useVP8({ rtcpFeedback: [useNACK(), usePLI()] })] },
  });
  const received = new Received();
  const call = await Call.join(url, room, name, async m => {
    if (m.type === 'offer') {
      await pc.setRemoteDescription(m);
      await pc.setLocalDescription(await pc.createAnswer());
      call.send({ type: 'answer', sdp: pc.localDescription.sdp });
    } else if (m.type === 'answer') await pc.setRemoteDescription(m);
    else await pc.addIceCandidate(m.candidate);
  });
  pc.onIceCandidate.subscribe(c => c && call.send({ type: 'candidate', candidate: c.toJSON() }));
  const own = {};
  for (const kind of ['audio', 'video']) {
    own[kind] = new MediaStreamTrack({ kind });
    pc.addTransceiver(own[kind], { direction: 'sendonly' });
  }
  const seen = new WeakSet(); // each renegotiation announces the old tracks again
  pc.ontrack = ({ track, transceiver }) => {
    if (seen.has(track)) return;
    seen.add(track);
    track.onReceiveRtp.subscribe(packet => {
      const info = call.map.get(transceiver.mid);
      if (!info) return;
      const { payload, header } = packet;
      received.count(info.participant, track.kind, { packets: 1, keyframes: track.kind === 'video' && isKeyframe(payload) ? 1 : 0 });
      if (!call.source(transceiver.mid)) return;
      const { sequenceNumber, timestamp, marker } = header;
      own[track.kind].writeRtp(new RtpPacket(new RtpHeader({ sequenceNumber, timestamp, marker }), payload));
    });
  };
  await pc.setLocalDescription(await pc.createOffer());
  call.send({ type: 'offer', sdp: pc.localDescription.sdp });
  return {
    name,
    id: call.id,
    errors: () => call.errors,
    of: (participant, kind) => received.of(participant, kind),
    toJSON: () => received.toJSON(),
    async leave() {
      call.leave();
      await pc.close();
    },
  };
}

// libdatachannel: C++, of its own too. Like werift it passes pion's media on.

import datachannel from 'node-datachannel';
import { Call, Received } from '../call.js';
import { isKeyframe, makeRTP, parseRTP } from '../rtp.js';

const payloadTypes = { video: 96, audio: 111 };

export async function join(url, room, name) {
  const pc = new datachannel.PeerConnection(name, { iceServers: [] });
  const received = new Received();
  const call = await Call.join(url, room, name, m => {
    if (m.type === 'candidate') pc.addRemoteCandidate(m.candidate?.candidate ?? '', m.candidate?.sdpMid ?? '');
    else pc.setRemoteDescription(m.sdp, m.type); // answers an offer by itself
  });
  pc.onLocalDescription((sdp, type) => call.send({ type, sdp }));
  pc.onLocalCandidate((line, sdpMid) => { // an SDP line: the attribute's value is the candidate
    call.send({ type: 'candidate', candidate: { candidate: line.replace(/^a=/, ''), sdpMid } });
  });
  const remote = [];
  pc.onTrack(track => {
    remote.push(track); // else it is collected
    track.setMediaHandler(new datachannel.RtcpReceivingSession());
    track.onMessage(message => {
      const info = call.map.get(track.mid());
      const packet = parseRTP(message);
      if (!info || !packet || packet.payload.length === 0) return;
      received.count(info.participant, info.kind, { packets: 1, keyframes: info.kind === 'video' && isKeyframe(packet.payload) ? 1 : 0 });
      const { track: out, ssrc } = own[info.kind];
      if (call.source(track.mid()) && out.isOpen()) {
        out.sendMessageBinary(makeRTP({ ...packet, payloadType: payloadTypes[info.kind] }, ssrc));
      }
    });
  });
  const own = { video: publish(pc, 'video'), audio: publish(pc, 'audio') };
  pc.setLocalDescription();
  return {
    name,
    id: call.id,
    errors: () => call.errors,
    of: (participant, kind) => received.of(participant, kind),
    toJSON: () => received.toJSON(),
    async leave() {
      call.leave();
      pc.close();
    },
  };
}

/** Adds an m-line without msid, as libdatachannel's users often do. */
function publish(pc, kind) {
  const ssrc = 1 + Math.floor(Math.random() * 0xfffffffe);
  const media = kind === 'video' ? new datachannel.Video(kind, 'SendOnly') : new datachannel.Audio(kind, 'SendOnly');
  if (kind === 'video') media.addVP8Codec(payloadTypes.video);
  else media.addOpusCodec(payloadTypes.audio);
  media.addSSRC(ssrc, 'interop');
  return { ssrc, track: pc.addTrack(media) };
}

// libwebrtc in Node: the code of any web page, with media that this file makes.

import wrtc from '@roamhq/wrtc';
import { Call, Received } from '../call.js';

const { RTCPeerConnection, MediaStream, nonstandard } = wrtc;
const { RTCVideoSource, RTCVideoSink, RTCAudioSource, RTCAudioSink } = nonstandard;

export async function join(url, room, name) {
  const pc = new RTCPeerConnection({ iceServers: [] });
  const received = new Received();
  const sinks = [];
  const call = await Call.join(url, room, name, async m => {
    if (m.type === 'offer') {
      await pc.setRemoteDescription(m);
      await pc.setLocalDescription(await pc.createAnswer());
      call.send({ type: 'answer', sdp: pc.localDescription.sdp });
    } else if (m.type === 'answer') await pc.setRemoteDescription(m);
    else await pc.addIceCandidate(m.candidate);
  });
  pc.onicecandidate = e => e.candidate && call.send({ type: 'candidate', candidate: e.candidate });
  pc.ontrack = e => {
    const from = e.streams[0].id;
    if (e.track.kind === 'video') {
      const sink = new RTCVideoSink(e.track);
      sink.onframe = ({ frame }) => Object.assign(received.of(from, 'video'), { width: frame.width, height: frame.height },
        { frames: (received.of(from, 'video').frames ?? 0) + 1 });
      sinks.push(sink);
    } else {
      const sink = new RTCAudioSink(e.track);
      sink.ondata = ({ samples }) => received.count(from, 'audio', { samples: samples.length, energy: energy(samples) });
      sinks.push(sink);
    }
  };
  const media = makeMedia();
  for (const track of media.stream.getTracks()) pc.addTrack(track, media.stream);
  await pc.setLocalDescription(await pc.createOffer());
  call.send({ type: 'offer', sdp: pc.localDescription.sdp });

  // Packet counts come from the statistics, which know m-lines by their mid.
  const polling = setInterval(async () => {
    for (const report of (await pc.getStats()).values()) {
      if (report.type !== 'inbound-rtp' || report.mid === undefined) continue;
      const track = call.map.get(report.mid);
      if (track) Object.assign(received.of(track.participant, report.kind), { packets: report.packetsReceived });
    }
  }, 200);
  return {
    name,
    id: call.id,
    errors: () => call.errors,
    of: (participant, kind) => received.of(participant, kind),
    toJSON: () => received.toJSON(),
    async leave() {
      clearInterval(polling);
      media.stop();
      sinks.forEach(s => s.stop());
      call.leave();
      pc.close();
    },
  };
}

const energy = samples => samples.reduce((sum, s) => sum + (s / 32768) ** 2, 0);

/** A grey picture that gets lighter and darker, and a tone. */
function makeMedia() {
  const width = 640, height = 360;
  const video = new RTCVideoSource();
  const audio = new RTCAudioSource();
  const data = new Uint8ClampedArray(width * height * 3 / 2).fill(128);
  let frame = 0, phase = 0;
  const filming = setInterval(() => {
    data.fill(64 + frame++ % 128, 0, width * height);
    video.onFrame({ width, height, data });
  }, 50);
  const samples = new Int16Array(480);
  let sent = 0;
  const begin = performance.now();
  const humming = setInterval(() => {
    for (; sent < (performance.now() - begin) / 10; sent++) {
      for (let i = 0; i < samples.length; i++) samples[i] = 8000 * Math.sin(2 * Math.PI * 440 * phase++ / 48000);
      audio.onData({ samples, sampleRate: 48000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
    }
  }, 10);
  const stream = new MediaStream([video.createTrack(), audio.createTrack()]);
  return {
    stream,
    stop() {
      clearInterval(filming);
      clearInterval(humming);
      stream.getTracks().forEach(t => t.stop());
    },
  };
}

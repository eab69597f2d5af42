// Runs in every page before its own scripts: records peer connections, sockets and
// first frames in window.e2e, and may steer codec, picture size and server address.
// It is a function of its options, so that it can be handed to any browser driver.

export function pageHook(options) {
  const e2e = window.e2e = { peers: [], sockets: [], messages: [], steps: [], firstFrames: {}, answeredAt: null, errors: [] };
  addEventListener('error', event => e2e.errors.push(String(event.message)));
  addEventListener('unhandledrejection', event => e2e.errors.push(String(event.reason)));

  const { video, codec, socketHost, collide } = options;
  if (video && navigator.mediaDevices) {
    const devices = navigator.mediaDevices;
    const getUserMedia = devices.getUserMedia.bind(devices);
    devices.getUserMedia = constraints => getUserMedia(
      constraints?.video ? { ...constraints, video } : constraints);
  }

  // collide: the devices are ready just when the server's first offer comes, which is
  // kept back until the page has made one of its own.
  let offerCame;
  const serverOffers = new Promise(resolve => { offerCame = resolve; });
  if (collide) {
    const devices = navigator.mediaDevices;
    const getUserMedia = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async constraints => {
      const stream = await getUserMedia(constraints);
      await serverOffers;
      return stream;
    };
  }

  const preferCodec = transceiver => {
    if (!codec || !transceiver?.sender.track || transceiver.sender.track.kind !== 'video') return;
    const mime = `video/${codec}`.toLowerCase();
    const { codecs } = RTCRtpSender.getCapabilities('video');
    const wanted = codecs.filter(c => c.mimeType.toLowerCase() === mime);
    if (wanted.length === 0) throw new Error(`this browser can't send ${codec}`);
    const rest = codecs.filter(c => !wanted.includes(c));
    transceiver.setCodecPreferences([...wanted, ...rest]);
  };

  const awaitFirstFrame = track => {
    const element = document.createElement('video');
    element.muted = true;
    element.srcObject = new MediaStream([track]);
    element.requestVideoFrameCallback?.(() => {
      e2e.firstFrames[track.id] = performance.now();
      element.srcObject = null;
    });
    element.play().catch(() => {}); // a track that is gone again has no first frame
  };

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      this.e2eStreams = new Map(); // receiver -> ids of its streams
      e2e.peers.push(this);
      this.addEventListener('track', event => {
        this.e2eStreams.set(event.receiver, event.streams.map(s => s.id));
        if (event.track.kind === 'video') awaitFirstFrame(event.track);
      });
    }

    setLocalDescription(...parameters) { return this.e2eStep('local', super.setLocalDescription(...parameters)); }

    setRemoteDescription(description) {
      return this.e2eStep(`remote ${description.type}`, super.setRemoteDescription(description));
    }

    /** Keeps how each step of a negotiation ended. */
    async e2eStep(name, promise) {
      try {
        await promise;
        e2e.steps.push(`${name}: ${this.signalingState}`);
      } catch (error) {
        e2e.steps.push(`${name}: ${error}`);
        throw error;
      }
    }

    addTrack(...parameters) {
      const sender = super.addTrack(...parameters);
      preferCodec(this.getTransceivers().find(t => t.sender === sender));
      return sender;
    }

    addTransceiver(...parameters) {
      const transceiver = super.addTransceiver(...parameters);
      preferCodec(transceiver);
      return transceiver;
    }
  };

  window.WebSocket = class extends WebSocket {
    constructor(url, ...rest) {
      super(socketHost ? String(url).replace(/localhost:8080/, socketHost) : url, ...rest);
      e2e.sockets.push(this);
      const socket = this;
      this.addEventListener('message', event => {
        const message = JSON.parse(event.data);
        if (collide && message.type === 'offer' && !e2e.collided) {
          e2e.collided = true;
          event.stopImmediatePropagation();
          offerCame();
          const pc = e2e.peers.at(-1);
          pc.addEventListener('signalingstatechange', function release() {
            if (pc.signalingState !== 'have-local-offer') return; // the answer to its first
            pc.removeEventListener('signalingstatechange', release);
            socket.dispatchEvent(new MessageEvent('message', { data: event.data }));
          });
          return;
        }
        e2e.messages.push(message);
      });
    }

    // The page's own first answer: from then on the server may send.
    send(data) {
      if (/^\{"type":"answer"|"type":"answer"\}$/.test(data)) e2e.answeredAt ??= performance.now();
      super.send(data);
    }
  };

  const pick = (from, ...names) => Object.fromEntries(names.map(name => [name, from[name] ?? 0]));

  /** What the newest peer connection sends and receives now. */
  e2e.view = async () => {
    const pc = e2e.peers.at(-1);
    if (!pc) return null;
    const stats = [...(await pc.getStats()).values()];
    const byId = Object.fromEntries(stats.map(s => [s.id, s]));
    const mime = s => byId[s.codecId]?.mimeType ?? '';
    const receivers = new Map(pc.getReceivers().map(r => [r.track.id, r]));
    const transceivers = new Map(pc.getTransceivers().map(t => [t.receiver, t]));
    const transport = stats.find(s => s.type === 'transport') ?? {};
    const pair = byId[transport.selectedCandidatePairId] ??
      stats.find(s => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded') ?? {};
    return {
      at: performance.now(),
      connection: pc.connectionState,
      ice: pc.iceConnectionState,
      srtp: transport.srtpCipher,
      local: byId[pair.localCandidateId],
      remote: byId[pair.remoteCandidateId],
      restarts: new Set([...(pc.localDescription?.sdp ?? '').matchAll(/a=ice-ufrag:(\S+)/g)].map(m => m[1])).size,
      ufrag: pc.localDescription?.sdp.match(/a=ice-ufrag:(\S+)/)?.[1],
      inbound: stats.filter(s => s.type === 'inbound-rtp').map(s => {
        const receiver = receivers.get(s.trackIdentifier);
        return {
          kind: s.kind,
          mid: s.mid,
          track: s.trackIdentifier,
          stream: pc.e2eStreams.get(receiver)?.[0],
          live: ['recvonly', 'sendrecv'].includes(transceivers.get(receiver)?.currentDirection),
          codec: mime(s),
          ...pick(s, 'framesDecoded', 'frameWidth', 'frameHeight', 'totalAudioEnergy', 'packetsReceived',
            'packetsLost', 'freezeCount', 'totalFreezesDuration', 'nackCount', 'pliCount', 'keyFramesDecoded', 'framesDropped',
            'jitterBufferDelay', 'jitterBufferEmittedCount'),
        };
      }),
      outbound: stats.filter(s => s.type === 'outbound-rtp').map(s => ({
        kind: s.kind,
        mid: s.mid,
        rid: s.rid,
        active: s.active,
        scalabilityMode: s.scalabilityMode,
        codec: mime(s),
        payloadType: byId[s.codecId]?.payloadType,
        ...pick(s, 'packetsSent', 'retransmittedPacketsSent', 'framesSent', 'framesEncoded', 'frameWidth', 'frameHeight',
          'nackCount', 'pliCount', 'firCount', 'keyFramesEncoded'),
      })),
    };
  };
}

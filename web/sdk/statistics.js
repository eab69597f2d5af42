/**
 * @typedef {object} TrackStatistics  one track that is sent or received
 * @property {'in' | 'out'} direction
 * @property {string} mid
 * @property {'audio' | 'video'} kind
 * @property {string} rid  the simulcast layer, or ''
 * @property {string} codec
 * @property {number} bitrate  bit/s
 * @property {number} loss  0 to 1, of the packets since the last sample
 * @property {number} width
 * @property {number} height
 * @property {number} fps
 * @property {number} jitter  seconds
 * @property {number} freezes  since the beginning
 * @property {number} frozen  seconds of them together
 * @property {string} layers  the encoder's mode: "L1T3", or ''
 * @property {string} limitation  what keeps the encoder down: `cpu`, `bandwidth` or ''
 *
 * @typedef {object} CallStatistics
 * @property {number} at  when it was measured, in milliseconds of performance.now
 * @property {number} sent  bit/s
 * @property {number} received  bit/s
 * @property {number} loss  0 to 1, of the packets that were to arrive since the last sample
 * @property {number} rtt  seconds, 0 where unknown
 * @property {number} uplink  the browser's estimate in bit/s, 0 where unknown
 * @property {number} downlink  the server's estimate in bit/s, 0 where unknown
 * @property {string} path  how media travels: "udp host → host"
 * @property {TrackStatistics[]} tracks
 *
 * @typedef {{at: number, bytes: number, packets: number, lost: number, frames: number}} Counts
 */

/** Turns the browser's counters into what happens per second: it remembers the sample before. */
export class Statistics {
  /** @type {Map<string, Counts>} by the id of a report's entry */
  #before = new Map();

  /**
   * @param {RTCStatsReport} report
   * @param {number} [downlink]
   * @param {number} [at]
   * @returns {CallStatistics}
   */
  sample(report, downlink = 0, at = performance.now()) {
    /** @type {any[]} */
    const entries = [];
    report.forEach((entry) => entries.push(entry));
    const after = new Map();
    const lossBySender = new Map(entries.filter((one) => one.type === 'remote-inbound-rtp').map((one) => [one.localId, one.fractionLost ?? 0]));
    /** @type {TrackStatistics[]} */
    const tracks = [];
    let arrived = 0;
    let missing = 0;
    for (const entry of entries) {
      if (entry.type !== 'inbound-rtp' && entry.type !== 'outbound-rtp') continue;
      const inbound = entry.type === 'inbound-rtp';
      const counts = {
        at,
        bytes: (inbound ? entry.bytesReceived : entry.bytesSent) ?? 0,
        packets: (inbound ? entry.packetsReceived : entry.packetsSent) ?? 0,
        lost: entry.packetsLost ?? 0,
        frames: (inbound ? entry.framesDecoded : entry.framesEncoded) ?? 0,
      };
      const before = this.#before.get(entry.id) ?? {...counts, at: 0};
      after.set(entry.id, counts);
      const seconds = before.at ? (at - before.at) / 1000 : 0;
      const packets = counts.packets - before.packets;
      const lost = Math.max(0, counts.lost - before.lost);
      if (inbound) {
        arrived += packets;
        missing += lost;
      }
      tracks.push({
        direction: inbound ? 'in' : 'out',
        mid: String(entry.mid ?? ''),
        kind: entry.kind,
        rid: entry.rid ?? '',
        codec: String(report.get(entry.codecId)?.mimeType ?? '').replace(/^.*\//, ''),
        bitrate: per(8 * (counts.bytes - before.bytes), seconds),
        loss: inbound ? per(lost, packets + lost) : lossBySender.get(entry.id) ?? 0,
        width: entry.frameWidth ?? 0,
        height: entry.frameHeight ?? 0,
        fps: entry.framesPerSecond ?? per(counts.frames - before.frames, seconds),
        jitter: entry.jitter ?? 0,
        freezes: entry.freezeCount ?? 0,
        frozen: entry.totalFreezesDuration ?? 0,
        layers: entry.scalabilityMode ?? '',
        limitation: ['cpu', 'bandwidth'].includes(entry.qualityLimitationReason) ? entry.qualityLimitationReason : '',
      });
    }
    this.#before = after;
    const sum = (/** @type {string} */ direction) => tracks.filter((one) => one.direction === direction).reduce((total, one) => total + one.bitrate, 0);
    const pair = selectedPair(entries, report);
    return {
      at, sent: sum('out'), received: sum('in'), loss: per(missing, arrived + missing),
      rtt: pair?.currentRoundTripTime ?? 0, uplink: pair?.availableOutgoingBitrate ?? 0, downlink,
      path: pair ? describe(report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)) : '',
      tracks,
    };
  }
}

/** @param {any[]} entries @param {RTCStatsReport} report */
function selectedPair(entries, report) {
  const transport = entries.find((one) => one.type === 'transport' && one.selectedCandidatePairId);
  return transport ? report.get(transport.selectedCandidatePairId)
    : entries.find((one) => one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded');
}

/** @param {any} local @param {any} remote */
function describe(local, remote) {
  return `${local?.protocol ?? '?'} ${local?.candidateType ?? '?'} → ${remote?.candidateType ?? '?'}`;
}

/** @param {number} amount @param {number} base */
function per(amount, base) {
  return base > 0 ? Math.max(0, amount / base) : 0;
}

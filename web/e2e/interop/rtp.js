// RTP packets as far as relaying them needs (RFC 3550 section 5.1).

/** @returns {{payloadType, marker, sequence, timestamp, payload} | null} null for RTCP and nonsense */
export function parseRTP(b) {
  if (b.length < 12 || b[0] >> 6 !== 2 || (b[1] >= 192 && b[1] < 224)) return null;
  let begin = 12 + 4 * (b[0] & 15);
  if (b[0] & 0x10) begin += 4 + 4 * b.readUInt16BE(begin + 2);
  const end = b[0] & 0x20 ? b.length - b[b.length - 1] : b.length;
  return {
    payloadType: b[1] & 0x7f,
    marker: b[1] >= 0x80,
    sequence: b.readUInt16BE(2),
    timestamp: b.readUInt32BE(4),
    payload: b.subarray(begin, end),
  };
}

/** A packet without extensions. */
export function makeRTP({ payloadType, marker, sequence, timestamp, payload }, ssrc) {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = payloadType | (marker ? 0x80 : 0);
  header.writeUInt16BE(sequence, 2);
  header.writeUInt32BE(timestamp, 4);
  header.writeUInt32BE(ssrc, 8);
  return Buffer.concat([header, payload]);
}

/** Whether a VP8 payload begins a key frame (RFC 7741 section 4.2). */
export function isKeyframe(payload) {
  if (payload.length < 8 || (payload[0] & 0x17) !== 0x10) return false;
  let n = 1;
  if (payload[0] & 0x80) {
    const flags = payload[1];
    n = 2;
    if (flags & 0x80) n += payload[2] & 0x80 ? 2 : 1;
    if (flags & 0x40) n++;
    if (flags & 0x30) n++;
  }
  return payload.length > n + 5 && (payload[n] & 1) === 0 && payload.readUIntBE(n + 3, 3) === 0x9d012a;
}

/**
 * @typedef {import('./protocol.js').Transport} Transport
 */

/** What a description says of its own end of the transport and of the streams that it sends. */
const own = /^a=(?:rtcp:|candidate|end-of-candidates|ice-|fingerprint|setup|ssrc|msid|bundle-only|sendrecv|sendonly|recvonly|inactive)/;

/**
 * The answer that a server is about to give, as far as a browser must know it to look for
 * the path and to agree on keys: our own offer, turned round, with the server's end of the
 * transport. It says nothing final of media.
 *
 * @param {string} offer
 * @param {Transport} transport
 * @returns {string}
 */
export function provisional(offer, {ufrag, pwd, fingerprint, candidates}) {
  const [session = '', ...media] = offer.split(/^(?=m=)/m);
  const lines = media.map((section, index) => {
    const kept = section.trimEnd().split(/\r?\n/);
    const takes = kept.some((line) => line === 'a=sendonly' || line === 'a=sendrecv');
    return [
      ...kept.filter((line) => !own.test(line)).map(turned),
      ...(section.startsWith('m=application') ? [] : [takes ? 'a=recvonly' : 'a=inactive']),
      `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, 'a=ice-options:trickle', `a=fingerprint:${fingerprint}`, 'a=setup:passive',
      ...(index === 0 ? candidates.map((candidate) => `a=candidate:${candidate}`) : []),
    ].join('\r\n');
  });
  const head = session.trimEnd().split(/\r?\n/).filter((line) => !own.test(line));
  return [...head, ...lines, ''].join('\r\n');
}

/** A line of an offer as the answer has it. @param {string} line */
function turned(line) {
  return line.replace(/^(m=\w+) \d+ /, '$1 9 ').replace(/^c=.*/, 'c=IN IP4 0.0.0.0') // the candidates say it
    .replace(/^(a=rid:\S+) send\b/, '$1 recv').replace(/^a=simulcast:send /, 'a=simulcast:recv ');
}

/**
 * What went wrong, by the protocol's code. Codes that only the client makes:
 * `unreachable` (no server answered), `failed` (the browser refused something).
 */
export class PlenumError extends Error {
  /**
   * @param {string} code  one of the protocol's codes, or the client's own
   * @param {string} message  a sentence for a person
   * @param {boolean} [fatal]  whether the session is over
   * @param {unknown} [cause]
   */
  constructor(code, message, fatal = false, cause = undefined) {
    super(message, {cause});
    this.name = 'PlenumError';
    this.code = code;
    this.fatal = fatal;
  }
}

/** Close codes that say why, for when the error message before them was lost. */
const closeCodes = new Map([
  [1008, ['bad-message', 'The server refused what this client sent.']],
  [1009, ['too-large', 'The server refused a message that was too large.']],
  [1012, ['draining', 'The server is going away.']],
  [4001, ['unauthorized', 'The access token was refused.']],
  [4002, ['room-full', 'There is no more room.']],
  [4003, ['kicked', 'A moderator ended this session.']],
  [4004, ['replaced', 'This session goes on elsewhere.']],
]);

/**
 * The reason behind a WebSocket's close code, or null where there is none and
 * dialing again is right.
 *
 * @param {number} code
 * @returns {PlenumError | null}
 */
export function errorFromClose(code) {
  const [name, message] = closeCodes.get(code) ?? [];
  return name && message ? new PlenumError(name, message, true) : null;
}

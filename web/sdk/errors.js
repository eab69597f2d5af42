/**
 * What went wrong, by the protocol's code. Codes that only the client makes:
 * `unreachable` (no server answered), `unsupported` (the browser has no WebRTC), `failed`
 * (it refused something).
 * The subclasses below say what a page can do about it; `code` says it exactly.
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
    this.name = new.target.name;
    this.code = code;
    this.fatal = fatal;
  }
}

/** The token is missing, wrong, or does not grant this: `unauthorized`, `forbidden`. Another token helps. */
export class AuthorizationError extends PlenumError {}

/** There is no room at the moment: `room-full`, `server-full`. Trying later helps. */
export class CapacityError extends PlenumError {}

/** No server takes us at the moment: `unreachable`, `draining`. Trying again helps. */
export class UnreachableError extends PlenumError {}

/** The session was ended by somebody: `kicked`, `replaced`; or by the server, which waited in vain for a connection: `no-media`. */
export class SessionEndedError extends PlenumError {}

/** What was sent is not what the protocol allows: `bad-message`, `bad-sdp`, `bad-room`, `too-large`, `rate-limited` and so on. */
export class ProtocolError extends PlenumError {}

/** A camera, microphone or screen could not be had; `code` is `device` and `reason` says why. */
export class DeviceError extends PlenumError {
  /**
   * @param {'camera' | 'microphone' | 'screen'} kind
   * @param {DeviceReason} reason
   * @param {unknown} [cause]
   */
  constructor(kind, reason, cause) {
    super('device', `The ${kind} could not be opened: ${reason}.`, false, cause);
    this.kind = kind;
    this.reason = reason;
  }
}

/**
 * @typedef {'denied' | 'in-use' | 'missing' | 'insecure' | 'failed'} DeviceReason
 *   denied by the person or the system, held by another program, not there, on a
 *   page that is neither https nor localhost, or something else
 */

/** @type {Map<string, typeof PlenumError>} */
const classes = new Map([
  ['unauthorized', AuthorizationError], ['forbidden', AuthorizationError],
  ['room-full', CapacityError], ['server-full', CapacityError],
  ['unreachable', UnreachableError], ['draining', UnreachableError],
  ['kicked', SessionEndedError], ['replaced', SessionEndedError], ['no-media', SessionEndedError],
  ['too-large', ProtocolError], ['rate-limited', ProtocolError],
]);

/**
 * The error of the class that a code belongs to.
 *
 * @param {string} code
 * @param {string} message
 * @param {boolean} [fatal]
 * @param {unknown} [cause]
 * @returns {PlenumError}
 */
export function errorOf(code, message, fatal, cause) {
  const Class = classes.get(code) ?? (code.startsWith('bad-') ? ProtocolError : PlenumError);
  return new Class(code, message, fatal, cause);
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
  [4005, ['no-media', 'No connection for media came about in time.']],
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
  return name && message ? errorOf(name, message, true) : null;
}

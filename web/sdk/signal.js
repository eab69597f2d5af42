import {errorFromClose, errorOf} from './errors.js';

/**
 * @typedef {import('./protocol.js').JoinedMessage} JoinedMessage
 * @typedef {import('./protocol.js').ServerMessage} ServerMessage
 * @typedef {import('./protocol.js').ClientMessage} ClientMessage
 * @typedef {import('./errors.js').PlenumError} PlenumError
 *
 * @typedef {object} SignalListener
 * @property {(message: JoinedMessage) => void} joined  a session began or was resumed
 * @property {(message: Exclude<ServerMessage, JoinedMessage>) => void} message
 * @property {() => void} down  the socket broke; dialing again has begun
 * @property {(attempt: number, wait: number) => void} waiting  the next attempt comes in so many milliseconds
 * @property {(error: PlenumError) => void} ended  it is over, nothing will be dialed any more
 */

/** Waits between attempts in milliseconds; the last one repeats. */
const backoff = [0, 300, 1000, 2000, 4000, 5000];

/** How long an attempt may take from dialing to `joined`, in milliseconds. */
const joinTimeout = 10_000;

/** An offer that hears nothing at all for so long went into a dead socket. */
const silenceTimeout = 8_000;

/** How often a first join is tried before it fails. Later ones are tried for ever. */
const firstAttempts = 3;

/** WebSocket.OPEN, which a page's own WebSocket may lack. */
const openState = 1;

/**
 * The WebSocket to the server. It dials until the server says `joined`, dials
 * again when the socket breaks, and names the session to go on with. While it
 * dials, an older socket that still lives stays in use: that is how a call moves
 * to another network or server without a gap in signaling.
 */
export class Signal {
  #endpoint;
  #token;
  #listener;
  /** @type {WebSocket | null} the one that has joined */
  #socket = null;
  /** @type {WebSocket | null} the one that has not */
  #dialing = null;
  /** Whether the dialing socket asked for a session of its own. */
  #fresh = false;
  /** The secret to resume with. */
  #session = '';
  #attempts = 0;
  #everJoined = false;
  #over = false;
  /** @type {WeakMap<WebSocket, PlenumError>} what the server said before closing */
  #refusals = new WeakMap();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #joinTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silenceTimer;

  /**
   * @param {URL} endpoint  ws: or wss:, with room and name in its query
   * @param {string} token  access token, or ''
   * @param {SignalListener} listener
   */
  constructor(endpoint, token, listener) {
    this.#endpoint = endpoint;
    this.#token = token;
    this.#listener = listener;
  }

  /** Whether the session has a socket. */
  get up() {
    return this.#socket !== null;
  }

  /**
   * Sends a message, if there is a socket to send it on.
   *
   * @param {ClientMessage} message
   * @returns {boolean} whether it went out
   */
  send(message) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== openState) return false;
    socket.send(JSON.stringify(message));
    if (message.type === 'offer') {
      clearTimeout(this.#silenceTimer);
      this.#silenceTimer = setTimeout(() => this.dial(), silenceTimeout);
    }
    return true;
  }

  /** Dials now, to resume the session where there is one. */
  dial() {
    if (this.#over) return;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#silenceTimer);
    this.#abandon();
    this.#attempts++;
    const protocols = ['plenum.v1'];
    if (this.#token) protocols.push(`token.${this.#token}`);
    if (this.#session) protocols.push(`session.${this.#session}`);
    let socket;
    try {
      socket = new WebSocket(this.#endpoint, protocols);
    } catch (error) {
      const malformed = error instanceof Error && error.name === 'SyntaxError'; // with characters that no header may carry
      this.#end(malformed
        ? errorOf('unauthorized', 'The access token is malformed.', true, error)
        : errorOf('failed', `The browser does not let this page connect: ${error}`, true, error)); // to ws: from https:, say
      return;
    }
    this.#dialing = socket;
    this.#fresh = this.#session === '';
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = (event) => this.#closed(socket, event.code);
    this.#joinTimer = setTimeout(() => {
      this.#abandon();
      this.#retry(null);
    }, joinTimeout);
  }

  /** Begins a new session, elsewhere if the load balancer knows better; the old one lives until then. */
  renew() {
    this.#session = '';
    this.#attempts = 0;
    this.dial();
  }

  /** Says goodbye and stops for good. */
  close() {
    this.send({type: 'leave'});
    this.#shut();
  }

  /** Forgets the attempt under way. */
  #abandon() {
    clearTimeout(this.#joinTimer);
    if (this.#dialing) discard(this.#dialing);
    this.#dialing = null;
  }

  /** @param {WebSocket} socket @param {unknown} data */
  #receive(socket, data) {
    if (socket === this.#socket) clearTimeout(this.#silenceTimer);
    const message = parse(data);
    if (!message) return;
    if (message.type === 'error' && message.fatal) {
      this.#refusals.set(socket, errorOf(message.code, message.message, true));
    } else if (message.type === 'joined') {
      if (socket === this.#dialing) this.#promote(socket, message);
    } else if (socket === this.#socket) {
      this.#listener.message(message);
    }
  }

  /** @param {WebSocket} socket @param {JoinedMessage} message */
  #promote(socket, message) {
    const old = this.#socket;
    if (old) {
      // A resumed session must not hear a goodbye on its former socket.
      if (this.#fresh && old.readyState === openState) old.send(JSON.stringify({type: 'leave'}));
      discard(old);
    }
    clearTimeout(this.#joinTimer);
    this.#dialing = null;
    this.#socket = socket;
    this.#session = message.session;
    this.#attempts = 0;
    this.#everJoined = true;
    this.#listener.joined(message);
  }

  /** @param {WebSocket} socket @param {number} code */
  #closed(socket, code) {
    const reason = this.#refusals.get(socket) ?? errorFromClose(code);
    if (socket === this.#dialing) {
      clearTimeout(this.#joinTimer);
      this.#dialing = null;
      this.#retry(reason);
    } else if (socket === this.#socket) {
      this.#socket = null;
      clearTimeout(this.#silenceTimer);
      // While this page itself dials to resume, `replaced` is what it asked for.
      const own = reason?.code === 'replaced' && this.#dialing !== null;
      if (reason && !own && !passing(reason)) {
        this.#end(reason);
        return;
      }
      this.#listener.down();
      if (this.#dialing || this.#over) return;
      this.#attempts = 0;
      this.#retry(reason);
    }
  }

  /**
   * Dials again after a while, or gives up.
   *
   * @param {PlenumError | null} reason  why the last attempt failed, if the server said
   */
  #retry(reason) {
    if (reason && !passing(reason)) {
      // The old server still serves: a refusal elsewhere is no reason to stop.
      if (!this.#socket) this.#end(reason);
      return;
    }
    if (!this.#everJoined && this.#attempts >= firstAttempts) {
      this.#end(reason ?? errorOf('unreachable', 'The server can’t be reached.', true));
      return;
    }
    // Jitter keeps the clients of a restarted server from coming back as one.
    const wait = (backoff[Math.min(this.#attempts, backoff.length - 1)] ?? 0) * (0.75 + Math.random() / 2);
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.dial(), wait);
    if (!this.#socket) this.#listener.waiting(this.#attempts + 1, wait);
  }

  /** @param {PlenumError} error */
  #end(error) {
    this.#shut();
    this.#listener.ended(error);
  }

  #shut() {
    this.#over = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#silenceTimer);
    this.#abandon();
    if (this.#socket) discard(this.#socket);
    this.#socket = null;
  }
}

/**
 * Whether dialing again may cure it: another server, or this one after its restart.
 *
 * @param {PlenumError} reason
 */
function passing(reason) {
  return reason.code === 'draining';
}

/** @param {WebSocket} socket */
function discard(socket) {
  socket.onmessage = null;
  socket.onclose = null;
  socket.close(1000);
}

/**
 * @param {unknown} data
 * @returns {ServerMessage | null} null for what this client does not understand
 */
function parse(data) {
  try {
    const message = JSON.parse(String(data));
    return typeof message?.type === 'string' ? message : null;
  } catch {
    return null;
  }
}

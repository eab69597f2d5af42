import {preferences} from '../state/settings.js';
import {byId, make} from './dom.js';

/** @typedef {import('../state/call.js').CallState} CallState */

const place = byId('sounds', HTMLElement);

/**
 * What is heard. Sound is played apart from the tiles, so that people on another
 * page of the grid are heard too; the browser keeps it in step with the pictures,
 * because both come in one stream.
 */
export class Sound {
  #call;
  #blocked;
  /** @type {Map<string, HTMLAudioElement>} by track id */
  #players = new Map();
  /** @type {AudioContext | null} */
  #context = null;
  /** When each was played last. */
  #chimed = {join: -Infinity, leave: -Infinity};

  /** @param {CallState} call @param {() => void} blocked  the browser refuses to play before a click */
  constructor(call, blocked) {
    this.#call = call;
    this.#blocked = blocked;
    call.on('sound', (what) => { if (preferences.sounds) this.#chime(what); });
  }

  /** Plays what is there now, and only that. */
  draw() {
    const wanted = new Map();
    for (const participant of this.#call.others) {
      for (const track of participant.tracks.values()) {
        if (track.kind === 'audio' && track.mediaTrack) wanted.set(track.id, track.mediaTrack);
      }
    }
    for (const [id, player] of this.#players) {
      if (wanted.has(id)) continue;
      player.srcObject = null;
      player.remove();
      this.#players.delete(id);
    }
    for (const [id, mediaTrack] of wanted) {
      const player = this.#players.get(id) ?? this.#add(id);
      if (player.srcObject instanceof MediaStream && player.srcObject.getTracks()[0] === mediaTrack) continue;
      player.srcObject = new MediaStream([mediaTrack]);
      this.#start(player);
    }
  }

  /** Plays what the browser had blocked; call it from a click. */
  play() {
    for (const player of this.#players.values()) this.#start(player);
  }

  /** Plays through another speaker. */
  switchSpeaker() {
    for (const player of this.#players.values()) route(player);
  }

  close() {
    for (const player of this.#players.values()) {
      player.srcObject = null;
      player.remove();
    }
    this.#players.clear();
    this.#context?.close();
    this.#context = null;
  }

  /** @param {string} id */
  #add(id) {
    const player = make('audio', {autoplay: true});
    this.#players.set(id, player);
    place.append(player);
    route(player);
    return player;
  }

  /** @param {HTMLAudioElement} player */
  #start(player) {
    player.play().catch((error) => {
      if (error.name === 'NotAllowedError') this.#blocked();
    });
  }

  /** Two short notes, up or down. @param {'join' | 'leave'} what */
  #chime(what) {
    // After a restart of the server everyone comes at once.
    if (performance.now() - this.#chimed[what] < 700) return;
    this.#chimed[what] = performance.now();
    const notes = what === 'join' ? [523, 784] : [784, 523]; // in hertz
    this.#context ??= new AudioContext();
    playNotes(this.#context, this.#context.destination, notes);
  }
}

/** Sends a player to the chosen speaker, where the browser lets pages choose. @param {HTMLMediaElement} player */
function route(player) {
  if ('setSinkId' in player) player.setSinkId(preferences.speaker).catch(() => player.setSinkId('').catch(() => {}));
}

/** Whether this browser lets a page choose the speaker. */
export const canChooseSpeaker = 'setSinkId' in HTMLMediaElement.prototype;

/** Plays three notes through the chosen speaker. */
export async function testSpeaker() {
  const context = new AudioContext();
  const output = context.createMediaStreamDestination();
  const player = make('audio', {srcObject: output.stream});
  route(player);
  await context.resume();
  await player.play();
  await playNotes(context, output, [523, 659, 784]);
  player.srcObject = null;
  await context.close();
}

/**
 * @param {AudioContext} context
 * @param {AudioNode} output
 * @param {number[]} notes
 * @returns {Promise<unknown>} once they have ended
 */
function playNotes(context, output, notes) {
  return Promise.all(notes.map((frequency, index) => new Promise((resolve) => {
    const begin = context.currentTime + 0.05 + index * 0.16;
    const tone = new OscillatorNode(context, {frequency});
    const volume = new GainNode(context, {gain: 0});
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(0.15, begin + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.3);
    tone.connect(volume).connect(output);
    tone.onended = resolve;
    tone.start(begin);
    tone.stop(begin + 0.32);
  })));
}

// What the publishers' fake devices show and say: it costs encoders what people cost them.

import { once } from 'node:events';
import { createWriteStream, existsSync, renameSync, writeFileSync } from 'node:fs';

const width = 1280, height = 720, fps = 20, seconds = 5;

/**
 * Writes five seconds of a picture as Y4M: a textured background that does not move,
 * noise as a sensor's, and a textured disc that moves about. It repeats without a jump.
 */
export async function makeCamera(path) {
  if (existsSync(path)) return;
  let seed = 1;
  const random = () => (seed = seed * 1664525 + 1013904223 >>> 0) / 2 ** 32;
  const background = Uint8Array.from({ length: width * height }, (_, i) => {
    const x = i % width, y = i / width | 0;
    return 128 + 40 * Math.sin(x / 37) * Math.cos(y / 23) + 20 * Math.sin((x + y) / 9) + 12 * (random() - 0.5);
  });
  const noise = Int8Array.from({ length: 1 << 20 }, () => Math.round(6 * (random() - 0.5)));
  const out = createWriteStream(`${path}.part`);
  out.write(`YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420\n`);
  for (let n = 0; n < fps * seconds; n++) {
    out.write('FRAME\n');
    if (!out.write(frame(2 * Math.PI * n / (fps * seconds), background, noise, random() * noise.length | 0))) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  renameSync(`${path}.part`, path);
}

function frame(turn, background, noise, offset) {
  const bytes = Buffer.alloc(width * height * 3 / 2, 128);
  const radius = 190;
  const centreX = width / 2 + 260 * Math.cos(turn) + 40 * Math.sin(5 * turn), centreY = height / 2 + 120 * Math.sin(2 * turn);
  for (let y = 0, k = offset; y < height; y++) {
    for (let x = 0; x < width; x++, k++) {
      const dx = x - centreX, dy = y - centreY;
      const isDisc = dx * dx + dy * dy < radius * radius;
      const value = isDisc
        ? 110 + 70 * Math.sin(dx / 11 + Math.sin(3 * turn) * 2) * Math.cos(dy / 13) + 30 * Math.sin(7 * turn)
        : background[y * width + x];
      bytes[y * width + x] = Math.max(16, Math.min(235, value + noise[k % noise.length]));
    }
  }
  const blue = width * height, red = blue * 5 / 4;
  for (let y = 0; y < height / 2; y++) {
    for (let x = 0; x < width / 2; x++) {
      const dx = 2 * x - centreX, dy = 2 * y - centreY;
      const isDisc = dx * dx + dy * dy < radius * radius;
      bytes[blue + y * width / 2 + x] = isDisc ? 100 : 128 + 20 * Math.sin(x / 60);
      bytes[red + y * width / 2 + x] = isDisc ? 160 : 128 + 20 * Math.cos(y / 50);
    }
  }
  return bytes;
}

/** Writes ten seconds that an encoder takes for speech, as WAV: harmonics in syllables, with pauses. */
export function makeSound(path) {
  const rate = 48000, samples = rate * 10;
  const bytes = Buffer.alloc(44 + samples * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + samples * 2, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16); // of the format's description
  bytes.writeUInt16LE(1, 20); // PCM
  bytes.writeUInt16LE(1, 22); // channel
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(samples * 2, 40);
  for (let i = 0, phase = 0; i < samples; i++) {
    const t = i / rate;
    phase += 2 * Math.PI * (120 + 30 * Math.sin(2 * Math.PI * 0.7 * t) + 10 * Math.sin(2 * Math.PI * 3 * t)) / rate;
    const syllable = t % 2.5 > 2.2 ? 0 : Math.max(0, Math.sin(2 * Math.PI * 4 * t));
    let value = 0;
    for (let h = 1; h <= 12; h++) value += Math.sin(h * phase) / h * (1 + Math.sin(2 * Math.PI * (0.9 + h * 0.13) * t));
    bytes.writeInt16LE(Math.round(value * syllable * 4000), 44 + i * 2);
  }
  writeFileSync(path, bytes);
}

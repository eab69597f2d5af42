// Takes web/screenshot.png, the picture in the README: a call of four in the app.
// Usage: make build && node web/e2e/screenshot.js

import { fileURLToPath } from 'node:url';
import { startChromium } from './harness/browsers.js';
import { startServer } from './harness/server.js';
import { until } from './harness/until.js';

/** Runs in the page before its scripts: a drawn person in place of the fake camera's pie. */
function drawnCamera({ hue }) {
  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async constraints => {
    const real = await getUserMedia(constraints);
    if (!constraints.video) return real;
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const c = canvas.getContext('2d');
    setInterval(() => {
      const sway = 6 * Math.sin(performance.now() / 900 + hue);
      const wall = c.createLinearGradient(0, 0, 640, 360);
      wall.addColorStop(0, `hsl(${hue} 35% 62%)`);
      wall.addColorStop(1, `hsl(${hue + 40} 40% 38%)`);
      c.fillStyle = wall;
      c.fillRect(0, 0, 640, 360);
      c.fillStyle = `hsl(${hue + 180} 30% 28%)`;
      c.beginPath();
      c.ellipse(320 + sway / 2, 380, 150, 150, 0, 0, 7);
      c.fill();
      c.fillStyle = `hsl(${25 + hue / 40} 45% 68%)`;
      c.beginPath();
      c.ellipse(320 + sway, 165, 62, 78, 0, 0, 7);
      c.fill();
    }, 66);
    real.getVideoTracks().forEach(track => real.removeTrack(track));
    real.addTrack(canvas.captureStream(15).getVideoTracks()[0]);
    return real;
  };
}

const server = await startServer();
const chromium = await startChromium();
const people = [];
for (const [name, hue] of [['Ada', 200], ['Bob', 20], ['Cem', 120], ['Dot', 290]]) {
  const person = await chromium.open('about:blank', name);
  await person.page.addInitScript(drawnCamera, { hue });
  await person.page.goto(server.room('tea'));
  people.push(await person.joinApp());
}
const [ada, bob, cem] = people;
for (const other of people.slice(1)) await ada.seesFrames(other.id, 30);
await ada.click('#toggle-chat').catch(() => {}); // the panel may be open already
for (const [person, text] of [[bob, 'Can everyone hear me?'], [cem, 'Loud and clear.']]) {
  await person.evaluate(line => {
    const input = document.querySelector('#chat-input');
    input.value = line;
    input.form.requestSubmit();
  }, text);
  await until(() => ada.evaluate(line => document.querySelector('#chat-log').textContent.includes(line), text));
}
await ada.page.setViewportSize({ width: 1280, height: 760 });
await ada.page.screenshot({ path: fileURLToPath(new URL('../screenshot.png', import.meta.url)) });
await chromium.close();
await server.stop('screenshot');

// Takes web/screenshot.png, the picture in the README: a call of three in the app.
// Usage: make build && node web/e2e/screenshot.js

import { fileURLToPath } from 'node:url';
import { startChromium } from './harness/browsers.js';
import { startServer } from './harness/server.js';
import { until } from './harness/until.js';
import { drawnCamera } from '../test/browser/harness.js';

const server = await startServer();
const chromium = await startChromium();
const people = [];
for (const [name, hue] of [['Ada', 212], ['Bob', 28], ['Cem', 153]]) {
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
await ada.page.mouse.move(1, 1); // no tile shows its pin
await ada.evaluate(() => document.activeElement.blur());
await ada.page.screenshot({ path: fileURLToPath(new URL('../screenshot.png', import.meta.url)) });
await chromium.close();
await server.stop('screenshot');

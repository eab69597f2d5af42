/**
 * Takes pictures of every state of the app, to be looked at by a person.
 * Usage: node gallery.js DIRECTORY [PART OF A NAME]
 */
import {mkdirSync} from 'node:fs';
import {join as path} from 'node:path';
import {drawnCamera, fillRoom, joinAs, open, receives, recordSockets, sizes, startBrowser, startServer} from './harness.js';

const [directory = 'gallery', part = ''] = process.argv.slice(2);
mkdirSync(directory, {recursive: true});

const names = ['Grace Hopper', 'Noor', '李小明', 'Étienne de Montgolfier-Lavoisier', 'Linus', 'Amélie', 'Zoë', 'Kofi Annan', 'Sofía', 'Yuki', 'Omar', 'Ingrid', 'Dmitri', 'Priya', 'Malik'];

/** Joins people with drawn pictures, all from one page: it is the SDK that they use. */
async function crowd(page, room, people) {
  await page.evaluate(async ({room: name, people: all}) => {
    const {join} = await import('/plenum.js');
    window.crowd ??= [];
    for (const {person, hue} of all) {
      const one = await join('/ws', {room: name, name: person});
      one.publish(window.drawPerson(hue, 5), {source: 'camera'});
      window.crowd.push(one);
    }
  }, {room, people: people.map((person) => ({person, hue: [...person].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7)}))});
}

const server = await startServer();
const browser = await startBrowser();
const helper = () => open(browser, `${server.url}/readyz`, {init: drawnCamera, initArgument: {hue: 0}});

/** One after another: name, and what makes the page look so. */
const desktop = {init: drawnCamera, initArgument: {hue: 210}, permissions: ['clipboard-read', 'clipboard-write']};
const shoot = async (page, name, {looks = ['dark', 'light'], views = Object.keys(sizes)} = {}) => {
  if (!name.includes(part)) return;
  for (const view of views) {
    await page.setViewportSize(sizes[view]);
    for (const colorScheme of looks) {
      await page.emulateMedia({colorScheme});
      await page.mouse.move(1, 1);
      await page.waitForTimeout(400); // pictures are taken for people: transitions and first frames should be over
      await page.screenshot({path: path(directory, `${name}-${view}-${colorScheme}.png`)});
    }
  }
};
const wants = (...found) => found.some((name) => name.includes(part));

if (wants('lobby', 'lobby-devices', 'lobby-off', 'lobby-denied', 'lobby-full', 'lobby-zh', 'lobby-rtl')) {
  const people = await helper();
  await crowd(people, 'tea', names.slice(0, 3));
  const page = await open(browser, server.room('tea'), desktop);
  await page.waitForFunction(() => document.querySelector('#preview').videoWidth > 0);
  await page.fill('#name', 'Ada Lovelace');
  await shoot(page, 'lobby');
  await page.click('#lobby-devices summary');
  await shoot(page, 'lobby-devices', {looks: ['dark']});
  await page.click('#lobby-devices summary');
  await page.click('#preview-camera');
  await page.waitForSelector('#preview', {state: 'hidden'});
  await shoot(page, 'lobby-off', {looks: ['light']});
  await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
  await shoot(page, 'lobby-rtl', {looks: ['light']});
  await page.leave();
  const blocked = await open(browser, server.room('nobody'), {...desktop, init: () => {
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); };
  }});
  await blocked.waitForSelector('[data-testid=retry-devices]');
  await shoot(blocked, 'lobby-denied', {looks: ['dark']});
  await blocked.evaluate(() => { document.querySelector('#lobby-note').textContent = 'The server can’t be reached. Check your network and try again.'; });
  await shoot(blocked, 'lobby-unreachable', {looks: ['light']});
  await blocked.leave();
  const chinese = await open(browser, server.url, {...desktop, locale: 'zh-CN'});
  await shoot(chinese, 'lobby-zh', {looks: ['light']});
  await chinese.leave();
  await people.leave();
}

/** What the call looks like with so many people, all of them with pictures up to 16. */
for (const count of [1, 2, 3, 5, 9, 16, 49, 70]) {
  const name = `grid-${String(count).padStart(2, '0')}`;
  if (!wants(name)) continue;
  const people = await helper();
  const pictures = Math.min(count, 16) - 1;
  await crowd(people, name, names.slice(0, pictures));
  await fillRoom(people, server, name, Array.from({length: count - 1 - pictures}, (_, index) => `${names[index % names.length]} ${index}`));
  const page = await joinAs(await open(browser, server.room(name), desktop), 'Ada Lovelace');
  await page.waitForFunction((wanted) => [...document.querySelectorAll('.tile video')].filter((one) => one.videoWidth > 0).length >= wanted, Math.min(pictures + 1, 6), {timeout: 60_000});
  if (await page.isVisible('#chat')) await page.click('#toggle-chat');
  await shoot(page, name, {looks: count === 3 ? ['dark', 'light'] : ['dark']});
  await page.leave();
  await people.leave();
}

const states = ['call-chat', 'call-people', 'call-more', 'call-reactions', 'call-settings', 'call-help', 'call-statistics', 'call-speaker', 'call-screen', 'call-own-screen', 'call-weak', 'call-reconnecting', 'call-notice', 'call-zh', 'call-rtl'];
if (wants(...states)) {
  const people = await helper();
  await crowd(people, 'tea', names.slice(0, 4));
  for (const locale of ['en-US', 'zh-CN']) {
    const page = await joinAs(await open(browser, server.room('tea'), {...desktop, locale, init: [drawnCamera, recordSockets]}), 'Ada Lovelace');
    await page.waitForFunction(() => [...document.querySelectorAll('.tile video')].filter((one) => one.videoWidth > 0).length >= 5, undefined, {timeout: 60_000});
    const message = (index, body) => people.evaluate(([at, value]) => window.crowd[at].send(value), [index, body]);
    await message(0, {text: 'Good morning! The notes of last week are at https://example.org/notes/2026-11-19.html'});
    await message(1, {text: 'Thanks, I’ve read them.'});
    await message(2, {text: '大家好'});
    await message(3, {text: 'One question on the second point: does “as soon as possible” mean before the release, or right after it? Both would be fine for me.'});
    await message(1, {hand: true});
    const chat = async (wanted) => { if (await page.isVisible('#chat') !== wanted) await page.click('#toggle-chat'); };
    await chat(true);
    await page.fill('#chat-input', 'Before, I think.');
    await page.press('#chat-input', 'Enter');
    const two = locale === 'en-US' ? {} : {looks: ['light']};
    const suffix = locale === 'en-US' ? '' : '-zh';
    await shoot(page, `call-chat${suffix}`, two);
    await chat(false);
    await page.click('#head-count');
    await shoot(page, `call-people${suffix}`, {looks: ['dark']});
    await page.click('[data-close=people]');
    await page.click('#open-more');
    await shoot(page, `call-more${suffix}`, {looks: ['dark']});
    await page.keyboard.press('Escape');
    await page.click('#open-reactions');
    await shoot(page, `call-reactions${suffix}`, {looks: ['light']});
    await page.keyboard.press('Escape');
    for (const dialog of ['settings', 'help']) {
      await page.click('#open-more');
      await page.click(`#open-${dialog}`);
      await page.waitForSelector(`#${dialog}[open]`);
      await shoot(page, `call-${dialog}${suffix}`, {looks: [dialog === 'help' ? 'dark' : 'light']});
      await page.click(`#${dialog} [data-close]`);
    }
    if (locale === 'zh-CN') {
      await page.leave();
      continue;
    }
    await page.click('#open-more');
    await page.click('#toggle-statistics');
    await page.waitForSelector('#statistics .stat');
    await page.waitForTimeout(wants('call-statistics') ? 12_000 : 0);
    await shoot(page, 'call-statistics');
    await page.click('[data-close=statistics]');
    await message(3, {reaction: '🎉'});
    await message(0, {reaction: '👏'});
    await shoot(page, 'call-notice', {looks: ['dark']});
    await page.focus('#call');
    await page.keyboard.press('l');
    await shoot(page, 'call-speaker', {looks: ['dark']});
    await page.keyboard.press('l');
    await people.evaluate(() => { window.shared = window.crowd[0].publish(window.drawScreen(), {source: 'screen'}); });
    await page.waitForFunction(() => document.querySelector('.tile.large[data-source=screen] video')?.videoWidth > 0);
    await shoot(page, 'call-screen');
    await chat(true);
    await shoot(page, 'call-screen-chat', {looks: ['dark']});
    await chat(false);
    await people.evaluate(() => window.shared.unpublish());
    await page.waitForSelector('.tile.large', {state: 'detached'});
    await page.click('#toggle-screen');
    await page.waitForSelector('[data-banner=screen]');
    await shoot(page, 'call-own-screen', {looks: ['dark']});
    await page.click('[data-banner=screen] button');
    await page.evaluate(() => { document.documentElement.dir = 'rtl'; });
    await chat(true);
    await shoot(page, 'call-rtl', {looks: ['dark']});
    await chat(false);
    await page.evaluate(() => { document.documentElement.dir = 'ltr'; });
    const ids = await page.evaluate(() => [...window.plenum.room.participants.values()].slice(0, 2).flatMap((one) => [...one.tracks.keys()]));
    await receives(page, {type: 'quality', downlink: 80_000, tracks: ids.map((id) => ({id, layer: null, reason: 'bandwidth'}))});
    await shoot(page, 'call-weak', {looks: ['dark']});
    await page.evaluate(() => {
      const socket = window.sockets.at(-1);
      window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({code: 1006}), 50); } close() {} };
      socket.onclose({code: 1006});
    });
    await page.waitForSelector('[data-banner=state] button');
    await page.waitForTimeout(1500);
    await shoot(page, 'call-reconnecting');
    await page.leave();
  }
  await people.leave();
}

await browser.close();
await server.stop();

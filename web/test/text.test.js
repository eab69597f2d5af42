import assert from 'node:assert/strict';
import {readFileSync, readdirSync} from 'node:fs';
import {afterEach, test} from 'node:test';
import {linkify} from '../app/state/links.js';
import {chooseLanguage, current, t} from '../app/state/text.js';
import * as en from '../app/strings/en.js';
import {explain, textOf} from '../element/text.js';
import {DeviceError, errorOf} from '../sdk/errors.js';

afterEach(() => chooseLanguage(['en']));

const languages = readdirSync(new URL('../app/strings/', import.meta.url)).map((name) => name.replace('.js', ''));
const placeholders = (entry) => {
  const text = typeof entry === 'string' ? entry : entry.other;
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
};

for (const language of languages) {
  test(`${language} has every text with its placeholders, and no other`, async () => {
    const {texts, direction} = await import(`../app/strings/${language}.js`);
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(en.texts).sort());
    assert.ok(['ltr', 'rtl'].includes(direction));
    for (const [key, text] of Object.entries(texts)) {
      assert.deepEqual(placeholders(text), placeholders(en.texts[key]), key);
      assert.ok((typeof text === 'string' ? text : text.other).trim(), key);
    }
  });
}

test('the browser’s languages choose, in their order', async () => {
  for (const [wanted, language] of [[['zh-TW', 'en'], 'zh'], [['fr', 'zh-Hans-CN'], 'zh'], [['fr'], 'en'], [['en-GB', 'zh'], 'en'], [[], 'en']]) {
    await chooseLanguage(wanted);
    assert.equal(current.language, language, String(wanted));
  }
});

test('numbers choose their form', async () => {
  assert.equal(t('people', {n: 1}), '1 person');
  assert.equal(t('people', {n: 3}), '3 people');
  await chooseLanguage(['zh']);
  assert.equal(t('people', {n: 1}), '1 人');
});

test('what people are called is not taken for a placeholder', () => {
  assert.equal(t('hasJoined', {name: '{name} $& {n}'}), '{name} $& {n} joined');
});

test('every text of the page exists, and every text is used', () => {
  const sources = ['index.html', 'main.js', ...['state', 'views'].flatMap((folder) => (
    readdirSync(new URL(`../app/${folder}/`, import.meta.url)).map((name) => `${folder}/${name}`)
  ))].map((name) => readFileSync(new URL(`../app/${name}`, import.meta.url), 'utf8'));
  const [page] = sources;
  const named = [...page.matchAll(/data-(?:text|label|placeholder)="([^"]+)"/g)].map(([, key]) => key);
  assert.ok(named.length > 40, 'the pattern fits the page');
  for (const key of named) assert.ok(key in en.texts, `index.html asks for ${key}`);
  const all = sources.join('\n');
  for (const key of Object.keys(en.texts)) {
    if (/^(error|camera|microphone|both|screen)\./.test(key)) continue; // put together from codes and reasons
    assert.ok(named.includes(key) || all.includes(`'${key}'`), `nothing says ${key}`);
  }
});

test('addresses in messages become links, and nothing else does', () => {
  const links = (text) => linkify(text).flatMap(({href}) => href ?? []);
  assert.deepEqual(links('see https://example.org/a?b=1#c, ok'), ['https://example.org/a?b=1#c']);
  assert.deepEqual(links('(https://example.org/a) and http://x.y.'), ['https://example.org/a', 'http://x.y']);
  assert.deepEqual(links('https://en.wikipedia.org/wiki/A_(b)'), ['https://en.wikipedia.org/wiki/A_(b)']);
  assert.deepEqual(links('看 https://例子.测试/路径。好'), ['https://例子.测试/路径。好']);
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'https://', 'file:///etc/passwd', 'plain']) assert.deepEqual(links(text), [], text);
  for (const text of ['a https://x.y b https://z.w', 'https://x.y', '', 'no link', 'https://x.y<script>']) {
    assert.equal(linkify(text).map((part) => part.text).join(''), text, 'nothing is lost');
  }
});

test('the element says what went wrong in the page’s language, and what only programs cause as it came', () => {
  assert.equal(explain(new DeviceError('camera', 'in-use'), 'zh-CN'), '摄像头正被其他程序使用。请关闭该程序后重试。');
  assert.equal(explain(errorOf('room-full', 'There is no more room.'), 'de'), 'This room is full. Try again when someone has left.');
  assert.equal(explain(errorOf('bad-sdp', 'Line 3 is odd.'), 'zh'), 'Line 3 is odd.');
  assert.equal(explain('odd', 'en'), 'odd');
  assert.equal(textOf('leave', 'zh'), '离开');
});

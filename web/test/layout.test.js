import assert from 'node:assert/strict';
import {test} from 'node:test';
import {arrange, capacity, fit, promote} from '../app/state/layout.js';

const windows = [
  {width: 366, height: 720}, {width: 820, height: 300}, {width: 1340, height: 640}, {width: 990, height: 640},
  {width: 2530, height: 960}, {width: 3400, height: 1200}, {width: 600, height: 900}, {width: 200, height: 90},
];
const people = (count) => Array.from({length: count}, (_, index) => `p${index}`);

/** What must be true of every arrangement. */
function check(area, {places, page, pages}, name) {
  assert.ok(page >= 0 && page < pages, `${name}: page ${page} of ${pages}`);
  const all = [...places.entries()];
  for (const [key, one] of all) {
    assert.ok(one.width > 0 && one.height > 0, `${name}: ${key} has no size`);
    assert.ok(one.start >= -1 && one.top >= -1 && one.start + one.width <= area.width + 1 && one.top + one.height <= area.height + 1,
      `${name}: ${key} leaves the window: ${JSON.stringify(one)}`);
  }
  for (const [index, [key, one]] of all.entries()) {
    for (const [other, two] of all.slice(index + 1)) {
      const apart = one.start + one.width <= two.start || two.start + two.width <= one.start || one.top + one.height <= two.top || two.top + two.height <= one.top;
      assert.ok(apart, `${name}: ${key} and ${other} overlap`);
    }
  }
}

test('tiles stay in the window, do not overlap, and nobody is lost between pages', () => {
  for (const area of windows) {
    for (const count of [1, 2, 3, 4, 5, 7, 9, 12, 16, 25, 36, 49, 50, 120]) {
      for (const featured of [null, 'p0', `p${count - 1}`]) {
        const name = `${area.width}x${area.height}, ${count}, ${featured}`;
        const seen = new Set();
        const {pages} = arrange(area, people(count), featured, 0);
        for (let page = 0; page < pages; page++) {
          const arrangement = arrange(area, people(count), featured, page);
          check(area, arrangement, name);
          assert.equal(arrangement.pages, pages);
          for (const key of arrangement.places.keys()) seen.add(key);
          if (featured) assert.equal(arrangement.places.get(featured)?.large, true, name);
        }
        assert.equal(seen.size, count, name);
      }
    }
  }
});

test('the window is used well', () => {
  const used = (area, count) => {
    const {places} = arrange(area, people(count), null, 0);
    return [...places.values()].reduce((sum, one) => sum + one.width * one.height, 0) / (area.width * area.height);
  };
  for (const area of windows.slice(0, 6)) {
    for (const count of [2, 4, 6, 9, 12, 16, 20, 25, 30, 36, 42, 49]) {
      if (count > capacity(area)) continue;
      assert.ok(used(area, count) > 0.5, `${area.width}x${area.height} with ${count}: ${used(area, count)}`);
    }
  }
  assert.ok(used({width: 1340, height: 640}, 49) > 0.8);
});

test('49 fit on a laptop, also with a panel open; the fiftieth turns the page', () => {
  assert.equal(arrange({width: 1340, height: 640}, people(49), null, 0).pages, 1);
  assert.equal(arrange({width: 990, height: 640}, people(49), null, 0).pages, 1);
  assert.equal(arrange({width: 1340, height: 640}, people(50), null, 0).pages, 2);
  assert.equal(arrange({width: 3400, height: 1600}, people(50), null, 0).pages, 2, 'never more than 49');
});

test('on a phone tiles stay large enough to know people by', () => {
  const {places} = arrange({width: 366, height: 720}, people(30), null, 0);
  for (const {width, height} of places.values()) assert.ok(width >= 140 && height >= 78, `${width}x${height}`);
});

test('the large tile has most of the window', () => {
  for (const area of windows.slice(2, 6)) {
    const {places} = arrange(area, people(8), 'p3', 0);
    const large = places.get('p3');
    assert.ok(large.width * large.height > 0.55 * area.width * area.height, `${area.width}x${area.height}`);
  }
});

test('a page that is no more is left for the last one', () => {
  const area = {width: 366, height: 720};
  const {page, pages} = arrange(area, people(11), null, 9);
  assert.equal(page, pages - 1);
  assert.deepEqual(arrange({width: 0, height: 0}, people(3), null, 0).places.size, 0);
});

test('an upright window has upright tiles for two, a wide one stands them side by side', () => {
  assert.equal(fit({width: 366, height: 720}, 2).columns, 1);
  assert.equal(fit({width: 1340, height: 640}, 2).columns, 2);
});

test('who speaks out of sight comes into it in place of the one who was silent longest', () => {
  const order = ['', 'a', 'b', 'c', 'd', 'e'];
  const last = new Map([['a', 5], ['b', 2], ['c', 9]]);
  assert.deepEqual(promote(order, ['e'], 4, last), ['', 'a', 'e', 'c', 'd', 'b']);
  assert.deepEqual(promote(order, ['a'], 4, last), order, 'in sight already: nobody moves');
  assert.deepEqual(promote(order, ['d'], 1, last), order, 'one’s own tile is never given up');
  assert.deepEqual(promote(order, ['a', 'b', 'c', 'd'], 4, last), order, 'who speaks is not sent away');
});

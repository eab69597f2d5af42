// Conditions are awaited, never slept for.

/** How long anything may take on a busy machine, in ms: no test is about its speed. */
export const patience = 45000;

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/**
 * Polls condition until it returns something truthy and returns that. Fails after
 * `within` ms with what was awaited, the last value of `seen` and the last error.
 */
export async function until(condition, { within = patience, every = 100, what = String(condition), seen } = {}) {
  const deadline = performance.now() + within;
  let lastError;
  do {
    try {
      const value = await condition();
      if (value) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await pause(every);
  } while (performance.now() < deadline);
  let detail = '';
  if (seen) detail = '\n  seen: ' + JSON.stringify(await Promise.resolve(seen()).catch(String));
  if (lastError) detail += '\n  last error: ' + lastError.message;
  throw new Error(`not within ${within} ms: ${what}${detail}`);
}

/** Calls sample every `every` ms for `duration` ms: for what must stay true that long. */
export async function during(duration, every, sample) {
  const end = performance.now() + duration;
  for (;;) {
    await sample();
    if (performance.now() >= end) return;
    await pause(Math.min(every, Math.max(0, end - performance.now())));
  }
}

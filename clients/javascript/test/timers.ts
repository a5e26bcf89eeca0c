/**
 * Holds the timers of one duration, which no other timer has: they run out when the test says, so that no test depends
 * on the speed of the machine.
 */
export function heldTimers(duration: number) {
  const { setTimeout: start, clearTimeout: stop } = globalThis;
  const held = new Map<unknown, () => void>();
  let started = 0;

  const hold = (callback: (...args: unknown[]) => void, delay?: number, ...args: unknown[]) => {
    if (delay !== duration) return start(callback, delay, ...args);
    const timer = { number: ++started };
    held.set(timer, () => callback(...args));
    return timer;
  };

  const release = (timer: NodeJS.Timeout) => {
    if (!held.delete(timer)) stop(timer);
  };

  Object.assign(globalThis, { setTimeout: hold, clearTimeout: release });

  return {
    /** The timers that were started until now. */
    started: () => started,

    /** The timers that neither ran out nor were stopped. */
    running: () => held.size,

    runOut() {
      const due = [...held.values()];
      held.clear();
      for (const callback of due) callback();
    },

    [Symbol.dispose]() {
      Object.assign(globalThis, { setTimeout: start, clearTimeout: stop });
    },
  };
}

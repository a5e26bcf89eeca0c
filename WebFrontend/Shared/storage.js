// The browser's storage. It may be full, or forbidden by the visitor; the pages work without it.

const storage = (area) => ({
  /** Returns null if there is no value. */
  get(name) {
    try {
      return area().getItem(name);
    } catch {
      return null;
    }
  },

  /** Returns false if the value was not stored. */
  set(name, value) {
    try {
      area().setItem(name, value);
      return true;
    } catch {
      return false;
    }
  },
});

/** Shared by all tabs. */
export const browserStorage = storage(() => localStorage);

/** For this tab only. */
export const tabStorage = storage(() => sessionStorage);

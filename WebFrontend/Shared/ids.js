/** A random id: 32 hex digits. `crypto.randomUUID` exists only in secure contexts. */
export const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The same as a UUID (RFC 9562), with dashes. */
export const newUuid = () => newId().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

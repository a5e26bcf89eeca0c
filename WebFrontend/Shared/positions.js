/** Returns true if an id (`<epoch>-<position>`) is later than a position; another epoch is later too. */
export function isAfter(id, position) {
  const [epoch, at] = split(id);
  const [otherEpoch, otherAt] = split(position ?? "");
  return epoch !== otherEpoch || at > otherAt;
}

function split(id) {
  const dash = id.lastIndexOf("-");
  return [id.slice(0, dash), /^\d+$/.test(id.slice(dash + 1)) ? BigInt(id.slice(dash + 1)) : 0n];
}

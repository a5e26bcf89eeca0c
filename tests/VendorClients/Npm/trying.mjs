// Tries one thing after the other, and prints each as a line of JSON with the client's own words if it failed.
const patience = 60_000;
const longest = 300;

export const question = "What is the weather in Paris today?";
export const weather = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
export const look = ({ city }) => `15 degrees in ${city}`;

/** @param {string} tried @param {() => Promise<unknown>} act */
export async function attempt(tried, act) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${patience / 1000} s`)), patience);
  });

  let failure = null;
  try {
    await Promise.race([act(), late]);
  } catch (error) {
    failure = wordsOf(error);
  } finally {
    clearTimeout(timer);
  }

  console.log(JSON.stringify({ tried, failure }));
}

/** Ends the program, whatever connection a failed attempt has left open. */
export const done = () => process.stdout.write("", () => process.exit(0));

function wordsOf(error) {
  const cause = error?.cause ? ` (${error.cause})` : "";
  return `${error?.name ?? "Error"}: ${error?.message ?? error}${cause}`.replace(/\s+/g, " ").slice(0, longest);
}

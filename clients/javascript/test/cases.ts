import { readFileSync } from "node:fs";

/** Reads the cases that hold for all three clients (clients/cases). */
export const read = <Case>(name: "parsing" | "requests"): Case[] =>
  JSON.parse(readFileSync(new URL(`../../../cases/${name}.json`, import.meta.url), "utf8")) as Case[];

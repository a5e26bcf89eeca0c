// Measures the bundled, minified and compressed size of each entry point. Fails above the limit.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LIMIT = 5_000;

for (const [entry, limit] of [["index", LIMIT], ["tabs"], ["event-source"], ["react"]]) {
  const { outputFiles } = await build({
    entryPoints: [`dist/${entry}.js`],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    external: ["react"],
  });

  const minified = outputFiles[0].contents;
  const compressed = gzipSync(outputFiles[0].contents, { level: 9 });
  const allowed = limit ? ` (limit ${limit})` : "";

  console.log(`${entry.padEnd(13)} ${minified.length} bytes minified, ${compressed.length} compressed${allowed}`);
  if (compressed.length >= limit) process.exitCode = 1;
}

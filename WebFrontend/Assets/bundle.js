// Bundles the libraries of the pages as modules of this origin: our client (from its sources) and uPlot.
//   node bundle.js <clients/javascript> <target folder>
import { copyFile, readFile } from "node:fs/promises";
import { build } from "esbuild";

const [client, target] = process.argv.slice(2);
const shared = { bundle: true, format: "esm", target: "es2022", minify: true, sourcemap: true, logLevel: "warning" };

await build({
  ...shared,
  outfile: `${target}/sse.js`,
  stdin: {
    contents: 'export * from "./index.ts"; export * from "./tabs.ts"; export * from "./visibility.ts";',
    resolveDir: `${client}/src`,
    sourcefile: "sse.ts",
    loader: "ts",
  },
});
await build({
  ...shared,
  outfile: `${target}/uplot.js`,
  stdin: {
    // It formats numbers in the browser's language as it loads, and throws: "C", WebKit's under that locale, is none.
    contents: (await readFile("node_modules/uplot/dist/uPlot.esm.js", "utf8")).replace(
      "nav.language",
      "document.documentElement.lang",
    ),
    sourcefile: "uPlot.esm.js",
  },
  banner: { js: "/*! uPlot: MIT, Leon Sorokin, https://github.com/leeoniya/uPlot */" },
});
await copyFile("node_modules/uplot/dist/uPlot.min.css", `${target}/uplot.css`);

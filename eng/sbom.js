// Prints the software bill of materials of a published service (CycloneDX 1.6): the NuGet packages of its deps.json
// and, for the frontend, the npm packages in its bundles. Usage: node eng/sbom.js SERVICE VERSION FOLDER
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [service, version, folder] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const hex = (base64) => Buffer.from(base64, "base64").toString("hex");
const hashes = (integrity) =>
  integrity.startsWith("sha512-") ? [{ alg: "SHA-512", content: hex(integrity.slice("sha512-".length)) }] : [];

const component = (kind, name, version, integrity) => ({
  type: "library",
  "bom-ref": `pkg:${kind}/${name}@${version}`,
  name,
  version,
  purl: `pkg:${kind}/${name}@${version}`,
  hashes: hashes(integrity),
});

const nuget = Object.entries(read(join(folder, `${service}.deps.json`)).libraries)
  .filter(([, library]) => library.type === "package")
  .map(([key, library]) => component("nuget", ...key.split("/"), library.sha512));

// esbuild makes the bundles and is not in them.
const assets = fileURLToPath(new URL("../WebFrontend/Assets/", import.meta.url));
const npm =
  service !== "WebFrontend"
    ? []
    : Object.keys(read(join(assets, "package.json")).dependencies)
        .filter((name) => name !== "esbuild")
        .map((name) => [name, read(join(assets, "package-lock.json")).packages[`node_modules/${name}`]])
        .map(([name, entry]) => component("npm", name, entry.version, entry.integrity));

const bom = {
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  version: 1,
  metadata: {
    component: { type: "application", "bom-ref": service, name: `aspire-sse/${service.toLowerCase()}`, version },
  },
  components: [...nuget, ...npm],
};
console.log(JSON.stringify(bom, null, 1));

// The documentation as a site. It shows the repository's Markdown files as they are, each at its path in the
// repository; docs/README.md is also the menu.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Where the repository is on the web, for links to files that are not pages. GitHub sets both in its workflows. */
const repository =
  (process.env.GITHUB_SERVER_URL ?? "https://github.com") + "/" + (process.env.GITHUB_REPOSITORY ?? "OWNER/REPOSITORY");

/** What is Japanese is not one: a search in it would need an index of its own. */
const isPage = (path) => /^([^/]*|(docs|clients|tests\/Conformance)\/.*)(?<!\.ja)\.md$/.test(path);

/** A README is the index of its folder. */
const rewritten = (page) => page.replace(/README\.md$/, "index.md");

const addressOf = (page) => "/" + rewritten(page).replace(/(index)?\.md$/, "");

/** The address of a file or folder of the repository: a page of the site, else where the repository is. */
function addressOfTarget(path) {
  const isFolder = statSync(root + path).isDirectory();
  const page = isFolder ? join(path, "README.md") : path;
  return isPage(page) && statSync(root + page, { throwIfNoEntry: false })
    ? addressOf(page)
    : `${repository}/${isFolder ? "tree" : "blob"}/main/${path}`;
}

/** Links of a file of the repository become links of the site. */
function translateLinks(md) {
  md.core.ruler.push("repository-links", ({ tokens, env }) => {
    if (tokens.some(({ info }) => info === "mermaid")) throw new Error("Mermaid is not drawn: use an SVG");

    const links = tokens.flatMap(({ children }) => children ?? []).filter(({ type }) => type === "link_open");
    for (const link of links) {
      const [path, anchor] = link.attrGet("href").split("#");
      if (path && !/^\w+:/.test(path)) {
        const target = join(dirname((env.realPath ?? env.path).slice(root.length)), decodeURI(path));
        link.attrSet("href", addressOfTarget(target) + (anchor ? "#" + anchor : ""));
      }
    }
  });
}

/** Anchors as GitHub makes them; tests/Unit/Build/DocumentTests.cs holds the links to them. */
const slugify = (heading) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
    .replaceAll(" ", "-");

/** The other pages in the folder of an index, by their headings. */
const pagesBeside = (index) =>
  readdirSync(root + dirname(index), { recursive: true })
    .map((file) => join(dirname(index), file))
    .filter((page) => isPage(page) && page !== index && !page.includes("node_modules"))
    .sort()
    .map((page) => ({ text: readFileSync(root + page, "utf8").match(/^# (.+)/m)[1], link: addressOf(page) }));

function menuItem([, text, target]) {
  const page = join("docs", target);
  const items = page.endsWith("/README.md") ? pagesBeside(page) : [];
  return { text, link: addressOf(page), ...(items.length && { items, collapsed: true }) };
}

/** A section of docs/README.md: the links in the first column of its table. */
function menuSection(section) {
  const rows = section.split("\n").filter((line) => line.startsWith("| ") && line.includes("]("));
  const items = rows.flatMap((row) => {
    const cell = row.split(" | ")[0].replaceAll("`", "");
    const links = [...cell.matchAll(/\[([^\]]+)\]\(([^)#]+)/g)].map(menuItem);
    const lead = cell.slice(2, cell.indexOf("[")).trim();
    return lead ? [{ text: lead, items: links }] : links;
  });

  return { text: section.split("\n")[0], items };
}

/** The pages import Vue, and are outside of the folder that has it. */
const vueOfThisFolder = {
  name: "vue-of-this-folder",
  enforce: "pre",
  resolveId(id) {
    return /^vue(\/|$)/.test(id) ? this.resolve(id, fileURLToPath(import.meta.url), { skipSelf: true }) : null;
  },
};

const [, ...sections] = readFileSync(root + "docs/README.md", "utf8").split(/^## /m);
const menu = sections.map(menuSection);

export default {
  title: "Aspire.Sse",
  description: "Server-Sent Events for .NET teams that cannot afford to lose an event.",
  base: process.env.SITE_BASE ?? "/",
  srcDir: root,
  srcExclude: ["**/*.ja.md", "!(docs|clients|tests)/**/*", "tests/!(Conformance)/**/*"],
  rewrites: rewritten,
  outDir: root + "artifacts/site",
  cacheDir: root + "artifacts/site-cache",
  cleanUrls: true,
  ignoreDeadLinks: "localhostLinks",
  markdown: {
    anchor: { slugify },
    config: translateLinks,
    image: { lazyLoading: true },
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  vite: { plugins: [vueOfThisFolder] },
  themeConfig: {
    nav: menu.map(({ text }) => ({ text, link: `/docs/#${slugify(text)}` })),
    sidebar: [{ text: "Start here", link: "/" }, ...menu],
    outline: [2, 3],
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: repository }],
    editLink: { pattern: `${repository}/edit/main/:path` },
  },
};

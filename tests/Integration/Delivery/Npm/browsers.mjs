// The table of the browsers of Debian, which are installed if they are missing.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printTable } from "./table.mjs";

const firefox = "/usr/bin/firefox-esr";
const webkit = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";
const packages = ["firefox-esr", "libwebkit2gtk-4.1-0", "xvfb"];
const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LANG: "en_US.UTF-8", NO_AT_BRIDGE: "1" };

// Opens the streams that it is asked for, and says what they do, in order.
const page = `<!doctype html><script>
  let said = Promise.resolve();
  const say = (what) => (said = said.then(() => fetch("/said", { method: "POST", body: JSON.stringify(what) })));
  new EventSource("/asked").onmessage = (asked) => {
    const { number, url } = JSON.parse(asked.data);
    const source = new EventSource(url);
    source.onmessage = ({ data }) => say({ number, data });
    source.onerror = () => source.readyState === 2 && say({ number });
  };
</script>`;

/** Starts a browser, and returns what opens a stream in it. */
async function browse(start) {
  const streams = [];
  let ask;
  const asking = new Promise((asked, failed) => {
    ask = asked;
    setTimeout(() => failed(new Error("A browser has not started within 60 s.")), 60_000).unref();
  });

  const http = createServer(async (asked, answer) => {
    if (asked.url === "/asked") ask(answer.writeHead(200, { "content-type": "text/event-stream" }));
    else if (asked.url === "/said") {
      const { number, data } = JSON.parse(Buffer.concat(await asked.toArray()));
      if (data === undefined) streams[number].closed();
      else streams[number].got(data);
      answer.end();
    } else answer.writeHead(200, { "content-type": "text/html" }).end(page);
  });

  await new Promise((listening) => http.listen(0, "127.0.0.1", listening));

  const home = mkdtempSync(join(tmpdir(), "browser-"));
  const started = await start(`http://127.0.0.1:${http.address().port}/`, home);
  process.on("exit", () => {
    started.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  });

  const answer = await asking;
  return (url, got, closed) => {
    const number = streams.push({ got, closed }) - 1;
    answer.write(`data: ${JSON.stringify({ number, url })}\n\n`);
    return () => {};
  };
}

function run(program, args, home, more) {
  const env = { ...environment, HOME: home, ...more };
  return spawn(program, args, { env, stdio: "ignore" });
}

function startFirefox(url, home) {
  // No page of its own, and no request of its own.
  const settings = {
    "app.normandy.enabled": false,
    "browser.aboutwelcome.enabled": false,
    "browser.safebrowsing.malware.enabled": false,
    "browser.safebrowsing.phishing.enabled": false,
    "browser.shell.checkDefaultBrowser": false,
    "datareporting.policy.dataSubmissionEnabled": false,
    "extensions.update.enabled": false,
    "network.captive-portal-service.enabled": false,
    "network.connectivity-service.enabled": false,
    "services.settings.server": "data:,",
  };

  const lines = Object.entries(settings).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
  writeFileSync(join(home, "user.js"), lines.join(""));

  return run(firefox, ["--headless", "--no-remote", "--profile", home, url], home);
}

async function startWebKit(url, home) {
  const screen = spawn("Xvfb", ["-displayfd", "3", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });

  process.on("exit", () => screen.kill());
  const display = await new Promise((named) => screen.stdio[3].once("data", (line) => named(`:${line}`.trim())));
  return run(webkit, [url], home, { DISPLAY: display, WEBKIT_DISABLE_COMPOSITING_MODE: "1" });
}

if (![firefox, webkit, "/usr/bin/Xvfb"].every(existsSync))
  execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
    env: environment,
    stdio: ["ignore", process.stderr, process.stderr],
  });
for (const name of packages)
  console.log(execFileSync("dpkg-query", ["-W", "-f", "${Package} ${Version}", name]).toString());

await printTable({ Firefox: await browse(startFirefox), WebKitGTK: await browse(startWebKit) });

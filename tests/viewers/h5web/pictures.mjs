// Pictures of what h5web draws of files: node pictures.mjs FILES PICTURES. See README.md.

import { mkdir, readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
// No graphics card is needed, and nothing but the page is asked for.
const FLAGS =
  "--no-sandbox --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync --use-angle=swiftshader --enable-unsafe-swiftshader";
const TYPES = { html: "text/html", js: "text/javascript", css: "text/css" };
const DELAY = 8000; // milliseconds in which a file is read and drawn

const [files, pictures] = process.argv.slice(2);
await mkdir(pictures, { recursive: true });
const server = createServer(answer).listen(0, "127.0.0.1");
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(" ") });
for (const name of await readdir(files)) await take(name);
await browser.close();
server.close();

async function take(name) {
  const page = await browser.newPage({ viewport: { width: 640, height: 500 } });
  await page.goto(`http://127.0.0.1:${server.address().port}/index.html`);
  await page.evaluate((file) => window.show(file), `${name}.hdf`);
  await page.waitForTimeout(DELAY);
  await page.screenshot({ path: join(pictures, `${name}.png`) });
  await page.close();
}

async function answer(request, response) {
  const name = request.url.split("/").at(-1);
  const [stem, ending] = name.split(".");
  const folder = { hdf: join(files, stem), html: import.meta.dirname }[ending];
  try {
    const content = await readFile(join(folder ?? join(import.meta.dirname, "built"), name));
    response.writeHead(200, { "Content-Type": TYPES[ending] ?? "application/octet-stream" });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}

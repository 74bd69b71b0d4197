// scripts/page-screenshots: what a reader of the page sees, in both themes and two widths, without scripts.
//
//     NODE_PATH=… node page-screenshots.cjs BROWSER PAGE DIR
"use strict";

const { chromium } = require("playwright-core");
const { pathToFileURL } = require("node:url");

const [executablePath, file, out] = process.argv.slice(2);
const WIDTHS = [1280, 400];
const THEMES = ["light", "dark"];
// WCAG 2.2, 1.4.3.
const CONTRAST = 4.5;

let failures = 0;
function check(isFine, what) {
  if (!isFine) failures += 1;
  console.log(`${isFine ? "ok    " : "FAILED"} ${what}`);
}

// Runs in the browser. What is drawn over a bar is on the colour of the bar.
function measure() {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  let worst = { ratio: Infinity };
  let letters = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent.trim();
    const element = texts.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    letters += text.length;
    const [one, other] = [getComputedStyle(element).color, background(element)].map((color) =>
      luminance(typeof color === "string" ? channels(color) : color));
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text };
  }
  const cut = [...document.querySelectorAll(".axis .tick, .lane .value")].filter((label) => {
    const { left, right } = label.getBoundingClientRect();
    const around = label.closest(".time").getBoundingClientRect();
    return left < around.left - 1 || right > around.right + 1;
  });
  const names = [...document.querySelectorAll(".row .name")];
  return {
    letters,
    shortened: names.filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent),
    worst,
    cut: cut.map((label) => label.textContent),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    background: getComputedStyle(document.body).backgroundColor,
    bars: document.querySelectorAll(".row .bar").length,
    rows: document.querySelectorAll("tbody tr").length,
  };
}

async function main() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const backgrounds = new Set();
  for (const colorScheme of THEMES) {
    for (const width of WIDTHS) {
      const name = `${colorScheme}-${width}`;
      // Scripts of the page are off; what is measured is evaluated by the browser itself.
      const context = await browser.newContext({
        colorScheme,
        viewport: { width, height: 900 },
        javaScriptEnabled: false,
      });
      const requests = [];
      const page = await context.newPage();
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(pathToFileURL(file).href);
      await page.screenshot({ path: `${out}/${name}.png` });
      await page.screenshot({ path: `${out}/${name}-whole.png`, fullPage: true });
      await page.evaluate(() => {
        for (const folded of document.querySelectorAll("details")) folded.open = true;
      });
      const seen = await page.evaluate(measure);
      backgrounds.add(seen.background);
      check(seen.letters > 300, `${name}: ${seen.letters} letters can be read`);
      check(seen.bars > 0 && seen.bars === seen.rows, `${name}: ${seen.bars} bars, ${seen.rows} rows of the table`);
      check(seen.wide <= 0, `${name}: no wider than the window (${seen.wide} px)`);
      check(seen.cut.length === 0, `${name}: no label is cut off ${seen.cut.slice(0, 5).join(", ")}`);
      // A narrow window shows the beginning of a long name.
      check(seen.shortened.length === 0 || width < 768,
        `${name}: all names are whole ${seen.shortened.slice(0, 5).join(", ")}`);
      check(seen.worst.ratio >= CONTRAST,
        `${name}: contrast at least ${CONTRAST}: ${seen.worst.ratio.toFixed(2)} for "${seen.worst.text}"`);
      check(requests.length === 1, `${name}: needs no other file (${requests.slice(1).join(", ")})`);
      await context.close();
    }
  }
  check(backgrounds.size === THEMES.length, `the themes differ: ${[...backgrounds].join(" and ")}`);
  await browser.close();
  process.exitCode = failures ? 1 : 0;
}

main().catch((error) => {
  console.error(`page-screenshots: ${error.message}`);
  process.exitCode = 1;
});

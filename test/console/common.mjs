// What the tests of all pages stand on. Each file of tests has a browser of its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test as unlimited } from 'node:test';

const { CHROMIUM, MODULES, SCREENSHOTS: screenshots } = process.env;
export const { URL: url, SECURE_URL: secure, KEY: key, ADMIN_KEY: adminKey, SITE_PORT: sitePort, RECEIVER: receiver } = process.env;
const require = createRequire(MODULES);
const { chromium } = require('playwright-core');
const axe = require.resolve('axe-core/axe.min.js');

// A page that hangs would do so without an end. The longest test takes 12 s on two idle cores.
export const test = (name, run) => unlimited(name, { timeout: 180_000 }, run);

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});
after(() => browser.close());

// A page whose console must stay empty: an error there is a failed resource, a
// violation of the policy or a broken script.
export async function open(options = {}, expected = []) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (e) => errors.push(String(e)));
  page.on('console', (m) => {
    if (m.type() === 'error' && !expected.some((e) => m.text().includes(e))) errors.push(m.text());
  });
  const close = async () => {
    await context.close();
    assert.deepEqual(errors, []);
  };
  return { context, page, close };
}

export async function signIn(page, as, base = url) {
  await page.goto(`${base}/console/`);
  await page.getByLabel('Key').fill(as);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
}

// Asks the API, and wants a good answer.
export async function api(method, path, body, as = key) {
  const res = await fetch(url + path, {
    method, headers: { Authorization: `Bearer ${as}`, 'Content-Type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await res.text();
  assert.ok(res.ok, `${method} ${path}: ${res.status} ${text}`);
  return text && JSON.parse(text);
}

// A workspace that no other test touches; returns its key.
export async function workspace(id, name = id) {
  await api('POST', '/v1/workspaces', { id, name }, adminKey);
  return (await api('POST', `/v1/workspaces/${id}/keys`, { name: 'dev' }, adminKey)).key;
}

// Asks until there is an answer.
export async function eventually(claim, ask) {
  for (const end = Date.now() + 30000; ; await new Promise((r) => { setTimeout(r, 50); })) {
    const got = await ask();
    if (got) return got;
    assert.ok(Date.now() < end, `not within 30 s: ${claim}`);
  }
}

// A receiver that answers with what it was told last: see receiver_test.go.
export async function answers(name, status, body = '') {
  const res = await fetch(`${receiver}/control/${name}?status=${status}`, { method: 'POST', body });
  assert.equal(res.status, 204);
  return `${receiver}/to/${name}`;
}

export async function portalLink(base, body = {}) {
  return (await api('POST', '/v1/workspaces/acme/portal-links', body, adminKey)).url.replace(url, base);
}

async function violations(page) {
  // Runs outside of the page's own policy, which has no place for it.
  await page.evaluate(readFileSync(axe, 'utf8') + ';0');
  const { violations: found } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return found.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

// What a page is looked at in: each theme and each width once; pictures are of all.
const views = [['light', 1280], ['dark', 400], ...(screenshots ? [['dark', 1280], ['light', 400]] : [])];

// Looks at each page with axe, or takes its picture where that is asked for. pages is a
// function, called once, of a list of { name, path (from /console), as (a key; none:
// signed out), status (an error that is expected), then (what is done on the page
// first) }.
export function looks(pages) {
  let listed;
  for (const [colorScheme, width] of views) {
    test(`every page looks well, ${colorScheme}, ${width} wide`, async () => {
      listed ??= pages();
      const all = await listed;
      for (const as of new Set(all.map((p) => p.as))) {
        const mine = all.filter((p) => p.as === as);
        const { page, close } = await open({ colorScheme, viewport: { width, height: 860 } }, mine.filter((p) => p.status).map((p) => String(p.status)));
        if (as) await signIn(page, as);
        for (const { name, path, then } of mine) {
          await page.goto(url + path);
          await then?.(page);
          if (screenshots) await page.screenshot({ path: `${screenshots}/${name}-${colorScheme}${width < 800 ? '-narrow' : ''}.png` });
          // axe takes most of the time: it sees each page in one of the two views, in turn.
          else if (all.findIndex((p) => p.name === name) % 2 === (width < 800 ? 1 : 0)) assert.deepEqual(await violations(page), [], name);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(wide <= 0, `${name} is ${wide}px wider than its window`);
        }
        await close();
      }
    });
  }
}

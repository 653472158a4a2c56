import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

const { CHROMIUM, MODULES, URL: url, SECURE_URL: secure, KEY: key, ADMIN_KEY: adminKey, SITE_PORT: sitePort, SCREENSHOTS: screenshots } = process.env;
const require = createRequire(MODULES);
const { chromium } = require('playwright-core');
const axe = require.resolve('axe-core/axe.min.js');

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
async function open(options = {}, expected = []) {
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

async function signIn(page, as, base = url) {
  await page.goto(`${base}/console/`);
  await page.getByLabel('Key').fill(as);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function portalLink(base, body = {}) {
  const res = await fetch(`${url}/v1/workspaces/acme/portal-links`, {
    method: 'POST', headers: { Authorization: `Bearer ${adminKey}`, 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  });
  assert.equal(res.status, 201);
  return (await res.json()).url.replace(url, base);
}

async function violations(page) {
  // Runs outside of the page's own policy, which has no place for it.
  await page.evaluate(require('node:fs').readFileSync(axe, 'utf8') + ';0');
  const { violations: found } = await page.evaluate(() => globalThis.axe.run(document));
  return found.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`);
}

test('a wrong key is told so, and the right one opens the workspace', async () => {
  const { page, close } = await open({}, ['401']);
  await signIn(page, 'pr_wrong');
  await page.getByText('This key is wrong or was revoked').waitFor();
  await page.getByLabel('Key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await close();
});

test('a session that has ended leads to the sign-in and back', async () => {
  const { context, page, close } = await open();
  await signIn(page, key);
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await context.clearCookies();
  await page.getByRole('link', { name: 'Endpoints' }).click();
  await page.getByLabel('Key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Endpoints', level: 1 }).waitFor();
  await close();
});

test('an endpoint is created, refused, disabled after a question and enabled', async () => {
  const { page, close } = await open({}, ['422']);
  await signIn(page, key);
  await page.getByRole('link', { name: 'Endpoints' }).click();
  await page.getByRole('link', { name: 'New endpoint' }).click();
  await page.getByLabel('URL').fill('http://169.254.169.254/');
  await page.getByLabel('Events', { exact: true }).fill('post.*');
  await page.locator('#url-error', { hasText: 'This' }).waitFor(); // while it is filled in
  await page.locator('#url[aria-invalid=true]').waitFor();
  await page.getByRole('button', { name: 'Create endpoint' }).click();
  await page.getByText('Not saved.').waitFor();
  const target = 'http://127.0.0.1:9/<script>alert(1)</script>';
  await page.getByLabel('URL').fill('http://127.0.0.1:9/hook');
  await page.getByLabel('Description').fill(target);
  await page.getByRole('button', { name: 'Create endpoint' }).click();
  await page.getByText('whsec_').waitFor();
  await page.getByRole('link', { name: 'To the endpoints' }).click();
  await page.getByText(target).waitFor();
  const disable = page.getByRole('button', { name: 'Disable http://127.0.0.1:9/hook' });
  await disable.click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  await disable.click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Endpoint disabled.').waitFor();
  await page.getByRole('button', { name: 'Enable http://127.0.0.1:9/hook' }).click();
  await page.getByText('Endpoint enabled.').waitFor();
  await close();
});

test('the overview follows what happens without a reload', async () => {
  const { page, close } = await open();
  await signIn(page, key);
  const figure = page.locator('.tile .figure').first();
  const was = await figure.textContent();
  const res = await fetch(`${url}/v1/events`, {
    method: 'POST', headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }, body: '{"type":"post.created","data":{"status":"published"}}',
  });
  assert.equal(res.status, 202);
  await page.waitForFunction((text) => document.querySelector('.tile .figure').textContent !== text, was, { timeout: 30000 });
  await close();
});

test('the theme is remembered', async () => {
  const { page, close } = await open({ colorScheme: 'light' });
  await page.goto(`${url}/console/sign-in`);
  await page.getByRole('button', { name: 'Dark or light' }).click();
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await close();
});

test('the admin goes from one workspace to another', async () => {
  const { page, close } = await open();
  await signIn(page, adminKey);
  await page.getByRole('link', { name: 'Acme Blog' }).click();
  await page.getByText('Acme Blog').first().click();
  await page.getByRole('link', { name: 'globex' }).click();
  await page.getByText('No events yet').waitFor();
  await close();
});

test('a portal link opens the portal once and only once', async () => {
  const link = await portalLink(url);
  const first = await open();
  await first.page.goto(link);
  await first.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  const second = await open({}, ['401']);
  await second.page.goto(link);
  await second.page.getByText('This link was used or is too old').waitFor();
  await first.close();
  await second.close();
});

test('the portal works in a frame of a site that the workspace names, and in no other', async () => {
  const framed = await open();
  await framed.page.goto(`https://localhost:${sitePort}/?src=${encodeURIComponent(await portalLink(secure))}`);
  const portal = framed.page.frameLocator('iframe');
  await portal.getByRole('link', { name: 'Endpoints' }).click();
  await portal.getByRole('link', { name: 'New endpoint' }).click();
  await portal.getByLabel('URL').fill('http://127.0.0.1:9/framed');
  await portal.getByLabel('Events', { exact: true }).fill('*');
  await portal.getByRole('button', { name: 'Create endpoint' }).click();
  await portal.getByText('whsec_').waitFor();
  await framed.close();
  const refused = await open({}, ['frame-ancestors', 'Framing', 'frame']);
  const said = new Promise((resolve) => { refused.page.on('console', (m) => m.text().includes('frame-ancestors') && resolve()); });
  await refused.page.goto(`https://127.0.0.1:${sitePort}/?src=${encodeURIComponent(await portalLink(secure))}`);
  await said;
  await refused.close();
});

const pages = [
  ['sign-in', '/console/sign-in', null], ['workspaces', '/console/workspaces', adminKey], ['overview', '/console/w/acme/overview?window=1h', key],
  ['overview-empty', '/console/w/globex/overview', adminKey], ['endpoints', '/console/w/acme/endpoints', key], ['endpoints-empty', '/console/w/globex/endpoints', adminKey],
  ['endpoint-new', '/console/w/acme/endpoints/new', key], ['not-found', '/console/w/acme/nothing', key],
];
for (const colorScheme of ['light', 'dark']) {
  for (const width of [1280, 400]) {
    test(`axe finds nothing wrong, ${colorScheme}, ${width} wide`, async () => {
      for (const as of [null, key, adminKey]) {
        const { page, close } = await open({ colorScheme, viewport: { width, height: 860 } }, ['404']);
        if (as) {
          await signIn(page, as);
          await page.getByRole('heading', { level: 1 }).waitFor();
        }
        for (const [name, path, whose] of pages) {
          if (whose !== as) continue;
          await page.goto(url + path);
          assert.deepEqual(await violations(page), [], name);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(wide <= 0, `${name} is ${wide}px wider than its window`);
          if (screenshots) await page.screenshot({ path: `${screenshots}/${name}-${colorScheme}${width < 800 ? '-narrow' : ''}.png` });
        }
        await close();
      }
    });
  }
}

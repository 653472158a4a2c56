import assert from 'node:assert/strict';
import { adminKey, answers, api, eventually, open, signIn, test, url, workspace } from './common.mjs';

const publish = (as, type = 'post.created') => api('POST', '/v1/events', { type, data: {} }, as);
const figure = (page) => page.locator('.tile .figure').first();
const chartTable = (page) => page.locator('.chart-table');

async function watched(id) {
  const as = await workspace(id);
  await api('POST', '/v1/endpoints', { url: await answers(id, 200), events: ['*'] }, as);
  await publish(as);
  const opened = await open({}, ['MIME type', 'Event', '401']);
  await signIn(opened.page, as);
  await figure(opened.page).filter({ hasText: /^[1-9]/ }).waitFor({ timeout: 30000 });
  return { as, ...opened };
}

// Another tab is in front, or this one is again: headless browsers have none behind.
const seen = (page, is) => page.evaluate((visible) => {
  Object.defineProperty(document, 'hidden', { configurable: true, value: !visible });
  Object.defineProperty(document, 'visibilityState', { configurable: true, value: visible ? 'visible' : 'hidden' });
  document.dispatchEvent(new Event('visibilitychange'));
}, is);

test('pages that nobody sees hold no connection, and follow again when they are seen', async () => {
  const { as, context, page, close } = await watched('tabs');
  const path = page.url();
  const pages = [page];
  await seen(page, false);
  for (let i = 0; i < 7; i++) { // a browser has six connections to a host
    const other = await context.newPage();
    pages.push(other);
    await other.goto(path);
    const opened = other.waitForResponse((r) => r.url().includes('/overview/live'));
    await other.reload();
    await opened;
    await seen(other, false);
  }
  const was = await figure(page).textContent();
  await publish(as);
  await seen(pages[7], true);
  await pages[7].waitForFunction((text) => document.querySelector('.tile .figure').textContent !== text, was, { timeout: 30000 });
  assert.equal(await figure(page).textContent(), was, 'a hidden page was kept up to date');
  await seen(page, true);
  await page.waitForFunction((text) => document.querySelector('.tile .figure').textContent !== text, was, { timeout: 30000 });
  await close();
});

test('what is opened, focused or chosen on a live page stays so', async () => {
  const { as, page, close } = await watched('reads');
  await chartTable(page).locator('summary').click();
  assert.match(await page.locator('.chart-ends time').getAttribute('title'), / here, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await chartTable(page).getByRole('region').focus();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab'); // by keyboard
  await page.evaluate(() => {
    getSelection().selectAllChildren(document.querySelector('.tile h2'));
    document.querySelector('.tile').dataset.marked = 'yes'; // is what differs from the server's, and goes
  });
  await publish(as);
  await page.waitForFunction(() => !document.querySelector('[data-marked]'), undefined, { timeout: 30000 });
  assert.equal(await chartTable(page).evaluate((e) => e.open), true, 'what was opened is closed');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Deliveries over time');
  assert.equal(await page.evaluate(() => String(getSelection())), 'Deliveries');
  await close();
});

test('the focus goes on from where its button was, once that is gone', async () => {
  const as = await workspace('lands');
  await api('POST', '/v1/endpoints', { url: await answers('lands', 500), events: ['*'], retry_schedule: [600] }, as);
  const { id } = await api('POST', '/v1/events', { type: 'a', data: {}, wait: 5 }, as);
  const { data: [delivery] } = await api('GET', `/v1/deliveries?event_id=${id}`, undefined, as);
  const { page, close } = await open();
  await signIn(page, as);
  await page.goto(`${url}/console/w/lands/deliveries/${delivery.id}`);
  await page.getByRole('button', { name: 'Cancel delivery' }).focus();
  await page.evaluate(() => { document.querySelector('.standing').dataset.marked = 'yes'; globalThis.standing = document.querySelector('.standing'); });
  await api('POST', `/v1/deliveries/${delivery.id}/cancel`, undefined, as);
  await page.getByText('canceled by request').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.matches('[sse-swap]')), true);
  assert.equal(await page.evaluate(() => globalThis.standing.isConnected), true, 'what is told to screen readers was made anew');
  await close();
});

test('a page that gets nothing new any more says so', async () => {
  const { as, page, close } = await watched('ends');
  const { data: keys } = await api('GET', '/v1/workspaces/ends/keys', undefined, adminKey);
  assert.equal(await page.locator('#stale').textContent(), '');
  for (const { id } of keys) await api('DELETE', `/v1/workspaces/ends/keys/${id}`, undefined, adminKey);
  await eventually('the key is revoked', async () => (await fetch(`${url}/v1/endpoints`, { headers: { Authorization: `Bearer ${as}` } })).status === 401);
  await page.getByText(/^Not up to date since .+ Reload the page\.$/).waitFor({ timeout: 30000 });
  await page.getByRole('link', { name: 'Reload the page' }).click();
  await page.getByLabel('Key').waitFor();
  await close();
});

test('a list that is paused and goes on is announced by its button’s words alone', async () => {
  const { page, close } = await watched('words');
  await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
  await page.getByRole('button', { name: 'Pause' }).click();
  assert.equal(await page.getByRole('button', { name: 'Resume' }).getAttribute('aria-pressed'), null);
  await close();
});

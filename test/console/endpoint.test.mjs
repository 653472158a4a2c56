import assert from 'node:assert/strict';
import { adminKey, answers, api, eventually, looks, open, signIn, test, url, workspace } from './common.mjs';

const initech = 'hooli';
let key;
let failing;
let quiet;

// An endpoint that fails, and one that nothing was sent to.
async function prepare() {
  key ??= await workspace(initech, 'Hooli');
  if (failing) return;
  const target = await answers('hooli-failing', 500, '<script>alert(1)</script>');
  failing = await api('POST', '/v1/endpoints', {
    url: target, events: ['post.*', 'comment.created'], description: 'Search index', retry_schedule: [],
    filters: { status: 'published', likes: { $gte: 10 }, $or: [{ lang: 'en' }, { lang: { $exists: false } }] }, headers: { 'X-Team': 'search' },
  }, key);
  quiet = await api('POST', '/v1/endpoints', { url: await answers('hooli-quiet', 204), events: ['invoice.paid'] }, key);
  for (let i = 0; i < 3; i++) await api('POST', '/v1/events', { type: 'post.created', data: { status: 'published', likes: 10, id: i }, wait: 5 }, key);
  await api('PUT', '/v1/event-types/post.created', { description: 'A post', example: { id: 123, title: 'An example' } }, key);
}

const at = (endpoint, tab = '') => `${url}/console/w/${initech}/endpoints/${endpoint.id}${tab}`;

async function portal(abilities) {
  return (await api('POST', `/v1/workspaces/${initech}/portal-links`, { abilities }, adminKey)).url;
}

test('an endpoint is created, sent a test, and its answer shown', async () => {
  await prepare();
  const target = await answers('hooli-new', 418, '<script>alert(1)</script>');
  const { page, close } = await open();
  await signIn(page, key);
  await page.getByRole('link', { name: 'Endpoints' }).click();
  await page.getByRole('link', { name: 'New endpoint' }).click();
  await page.getByLabel('URL').fill(target);
  await page.getByLabel('Events', { exact: true }).fill('post.*');
  await page.getByLabel('Headers').fill('X-Team: search');
  await page.getByLabel('Metadata').fill('{"team":"search"}');
  await page.getByRole('button', { name: 'Create endpoint' }).click();
  await page.getByRole('link', { name: 'Send a test' }).click();
  await page.getByLabel('Event type').selectOption('post.created');
  assert.match(await page.getByLabel('Data').inputValue(), /An example/);
  await page.getByLabel('Event type').selectOption('webhook.test');
  await page.waitForFunction(() => document.getElementById('data').value === '{}');
  await page.getByLabel('Event type').selectOption('post.created');
  await page.waitForFunction(() => document.getElementById('data').value.includes('An example'));
  await page.getByLabel('Data').fill('{"title":');
  await page.getByRole('button', { name: 'Send the test' }).click();
  await page.getByText('Not sent: this is no JSON').waitFor();
  await page.getByLabel('Data').fill('{"title":"Edited"}');
  await page.getByRole('button', { name: 'Send the test' }).click();
  await page.getByText('418', { exact: true }).waitFor();
  await page.getByText('<script>alert(1)</script>').waitFor();
  await page.getByText('Content-Type', { exact: true }).waitFor();
  const got = await (await fetch(target.replace('/to/', '/control/'))).text();
  assert.match(got, /X-Team: search/);
  assert.match(got, /"object":\{"title":"Edited"\}/);
  await answers('hooli-new', 204);
  await page.getByRole('button', { name: 'Send the test' }).click();
  await page.getByText('Delivered', { exact: true }).waitFor();
  await close();
});

test('without scripts a test is sent and an example filled in as well', async () => {
  await prepare();
  const { context, page, close } = await open({ javaScriptEnabled: false });
  await signIn(page, key);
  await page.goto(at(quiet, '/test'));
  await page.getByLabel('Event type').selectOption('post.created');
  await page.getByRole('button', { name: 'Fill in its example' }).click();
  assert.match(await page.getByLabel('Data').inputValue(), /An example/);
  await page.getByRole('button', { name: 'Send the test' }).click();
  await page.getByText('Delivered', { exact: true }).waitFor();
  await context.clearCookies();
  await close();
});

test('a diagnosis says what is wrong with a receiver that answers 500, and with one that is not there', async () => {
  await prepare();
  const { page, close } = await open();
  await signIn(page, key);
  await page.goto(at(failing, '/diagnose'));
  await page.getByRole('button', { name: 'Run the diagnosis' }).click();
  const step = (name) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) });
  await step('Answer').getByText('only a 2xx counts as delivered').waitFor();
  await step('Answer').getByText('Failed').waitFor();
  await step('Forged signature').getByText('Not checked', { exact: true }).waitFor();
  const shut = await api('POST', '/v1/endpoints', { url: 'http://127.0.0.1:1/shut', events: ['nothing'] }, key);
  await page.goto(at(shut, '/diagnose'));
  await page.getByRole('button', { name: 'Run the diagnosis' }).click();
  await step('Connection').getByText('Check that the receiver runs').waitFor();
  await page.getByText('1 step failed.').waitFor();
  await api('DELETE', `/v1/endpoints/${shut.id}`, undefined, key);
  await close();
});

test('a secret is shown, copied, rotated and promoted', async () => {
  await prepare();
  const { context, page, close } = await open();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signIn(page, key);
  await page.goto(at(quiet, '/secret'));
  assert.equal(await page.getByText(/whsec_[A-Za-z0-9+/=]{32}/).count(), 0);
  await page.getByRole('button', { name: 'Show it' }).click();
  const shown = page.locator('.code code').first();
  const old = await shown.textContent();
  assert.match(old, /^whsec_[A-Za-z0-9+/=]{32}$/);
  await page.getByRole('button', { name: 'Copy' }).first().click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), old);
  await page.getByRole('button', { name: 'Rotate the secret' }).click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('heading', { name: 'It is being rotated' }).waitFor();
  const fresh = await shown.textContent();
  assert.notEqual(fresh, old);
  await page.getByRole('button', { name: 'Show it' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Promote the new secret' }).click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('The new secret is the only one now.').waitFor();
  await page.getByRole('button', { name: 'Show it' }).click();
  assert.equal(await shown.textContent(), fresh);
  await close();
});

test('what failed is counted, sent again and seen to arrive', async () => {
  await prepare();
  const target = await answers('hooli-back', 500);
  const back = await api('POST', '/v1/endpoints', { url: target, events: ['order.*'], retry_schedule: [] }, key);
  for (let i = 0; i < 2; i++) await api('POST', '/v1/events', { type: 'order.paid', data: { id: i }, wait: 5 }, key);
  await answers('hooli-back', 204);
  const { page, close } = await open({}, ['422']);
  await signIn(page, key);
  await page.goto(at(back));
  await page.getByRole('link', { name: 'Catch up' }).click();
  await page.getByRole('button', { name: 'Count them' }).click();
  await page.getByText('2 deliveries would be made.').waitFor();
  await page.getByRole('button', { name: 'Start the replay' }).click();
  await page.getByText('Replay started.').waitFor();
  await page.getByText('2 of 2 deliveries').waitFor({ timeout: 30000 }); // without a reload
  await eventually('they arrive', async () => (await api('GET', `/v1/endpoints/${back.id}/deliveries?status=success`, undefined, key)).data.length === 2);
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('must be the word delete').waitFor();
  await page.getByLabel('Type delete to confirm').fill('delete');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Endpoint deleted.').waitFor();
  await close();
}, { timeout: 90000 });

test('the page of an endpoint follows what happens to it', async () => {
  await prepare();
  const { page, close } = await open();
  await signIn(page, key);
  await page.goto(at(quiet));
  await page.getByText('No deliveries yet').waitFor();
  await api('POST', '/v1/events', { type: 'invoice.paid', data: {}, wait: 5 }, key);
  await page.getByText('No deliveries yet').waitFor({ state: 'detached', timeout: 30000 });
  await close();
});

test('who may only look sees no secret and no buttons', async () => {
  await prepare();
  const { page, close } = await open({}, ['403']);
  await page.goto(await portal(['view']));
  await page.getByRole('link', { name: 'Endpoints' }).click();
  await page.getByRole('link', { name: failing.url }).click();
  await page.getByRole('heading', { name: 'Newest failures' }).waitFor();
  assert.deepEqual(await page.getByRole('navigation', { name: 'Endpoint' }).getByRole('link').allTextContents(), ['Overview', 'Deliveries']);
  assert.deepEqual(await page.getByRole('main').getByRole('button').allTextContents(), []);
  await page.goto(page.url() + '/secret');
  await page.getByText('It needs the scope endpoints:write').waitFor();
  assert.ok(!(await page.content()).includes('whsec_'));
  await close();
});

looks(async () => {
  await prepare();
  const as = key;
  const path = (e, tab = '') => at(e, tab).replace(url, '');
  const seen = async (page) => { await page.getByRole('heading', { level: 1 }).waitFor(); };
  const entered = (abilities, tab = '') => async (page) => {
    await page.goto(await portal(abilities));
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.goto(url + `/portal/w/${initech}/endpoints/${failing.id}${tab}`);
  };
  return [
    { name: 'endpoint', path: path(failing), as },
    { name: 'endpoint-quiet', path: path(quiet), as },
    { name: 'endpoint-deliveries', path: path(failing, '/deliveries'), as },
    { name: 'endpoint-deliveries-empty', path: path(failing, '/deliveries?status=canceled'), as },
    { name: 'endpoint-test', path: path(failing, '/test?type=post.created'), as, then: async (page) => { await page.getByRole('button', { name: 'Send the test' }).click(); await page.getByRole('heading', { name: 'What came back' }).waitFor(); } },
    { name: 'endpoint-diagnose', path: path(failing, '/diagnose'), as, then: async (page) => { await page.getByRole('button', { name: 'Run the diagnosis' }).click(); await page.getByRole('heading', { name: 'Forged signature' }).waitFor(); } },
    { name: 'endpoint-catch-up', path: path(failing, '/catch-up'), as, then: async (page) => { await page.getByRole('button', { name: 'Count them' }).click(); await page.getByText('would be made').waitFor(); } },
    { name: 'endpoint-secret', path: path(failing, '/secret'), as, then: async (page) => { await page.getByRole('button', { name: 'Show it' }).click(); await page.locator('.code').first().waitFor(); } },
    { name: 'endpoint-settings', path: path(failing, '/settings'), as, then: seen },
    { name: 'endpoint-created', path: `/console/w/${initech}/endpoints/new`, as, then: async (page) => {
      await page.getByLabel('URL').fill('http://127.0.0.1:9/created');
      await page.getByLabel('Events', { exact: true }).fill('nobody.says');
      await page.getByRole('button', { name: 'Create endpoint' }).click();
      await page.getByText('whsec_').waitFor();
    } },
    { name: 'portal-endpoints-view', path: path(failing), as, then: async (page) => { await page.goto(await portal(['view'])); await page.getByRole('heading', { level: 1 }).waitFor(); await page.goto(url + `/portal/w/${initech}/endpoints`); } },
    { name: 'portal-endpoint-view', path: path(failing), as, then: entered(['view']) },
    { name: 'portal-endpoint-manage', path: path(failing), as, then: entered(['view', 'manage']) },
    { name: 'portal-endpoint-settings', path: path(failing), as, then: entered(['view', 'manage'], '/settings') },
  ];
});

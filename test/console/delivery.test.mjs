import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { before } from 'node:test';
import { adminKey, answers, api, eventually, looks, open, receiver, signIn, test, url, workspace } from './common.mjs';

const hostile = '</pre></code><script>alert(1)</script>';
const at = (d, base = '/console') => `${base}/w/delivery/deliveries/${d}`;
let key;
let failed;
let delivered;

// Publishes one event, waits for its first attempt, and returns its delivery.
async function deliver(type, data) {
  const event = await api('POST', '/v1/events', { type, data, wait: 10 }, key);
  const { data: all } = await api('GET', `/v1/deliveries?event_id=${event.id}`, undefined, key);
  assert.equal(all.length, 1);
  return all[0].id;
}

async function endpoint(name, more = {}) {
  return api('POST', '/v1/endpoints', { url: `${receiver}/to/${name}`, events: [`${name}.*`], ...more }, key);
}

before(async () => {
  key = await workspace('delivery', 'Deliveries');
  await answers('broken', 500, JSON.stringify({ error: hostile, trace: ['a', 'b'] }));
  await endpoint('broken', { retry_schedule: [300, 1800, 7200], description: 'Billing', headers: { 'X-Token': 't0ps3cret' } });
  await endpoint('well');
  failed = await deliver('broken.paid', { title: hostile });
  delivered = await deliver('well.created', { id: 1, title: 'It’s here' });
});

test('what failed is followed live until it is mended, retried and delivered', async () => {
  await answers('mended', 500, 'out of order');
  const { id } = await endpoint('mended', { retry_schedule: [2, 600] });
  const d = await deliver('mended.created', { id: 1 });
  const { page, close } = await open();
  await signIn(page, key);
  await page.goto(url + at(d));
  await page.getByText('500 Internal Server Error').first().waitFor();
  await page.getByText('Look in its log').first().waitFor();
  await page.evaluate(() => { globalThis.sameDocument = true; });
  await page.getByText('Attempt 3').waitFor(); // the second one came by itself
  assert.match(await page.locator('time[data-time=countdown]').textContent(), /^in (9|10) min/);
  await page.getByText('The last one of its schedule.').waitFor();
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true);
  await page.getByRole('button', { name: 'Cancel delivery' }).click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('canceled by request').waitFor();
  // Soon again, however many attempts fail before it is mended.
  await api('PATCH', `/v1/endpoints/${id}`, { retry_schedule: Array(20).fill(3) }, key);
  await page.getByRole('button', { name: 'Retry now' }).click();
  await page.getByText('Attempt 4').waitFor(); // it failed again
  await page.evaluate(() => { globalThis.sameDocument = true; });
  const first = page.locator('.timeline details', { hasText: 'Attempt 1' });
  await first.locator('summary').first().click();
  await answers('mended', 200, 'thanks');
  await page.locator('.badge.good', { hasText: 'Delivered' }).waitFor();
  await page.getByText('thanks').waitFor();
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true, 'the page was loaded anew');
  assert.equal(await first.evaluate((e) => e.open), true, 'what was opened is closed');
  await close();
});

test('a question is answered although the page changed while it was open', async () => {
  await answers('asked', 500);
  await endpoint('asked', { retry_schedule: Array(20).fill(2) });
  const d = await deliver('asked.created', { id: 1 });
  const { page, close } = await open();
  await signIn(page, key);
  await page.goto(url + at(d));
  await page.getByRole('button', { name: 'Cancel delivery' }).click();
  const made = Number((await page.locator('.upcoming strong').textContent()).replace('Attempt ', ''));
  await page.getByText(`Attempt ${made + 2}`, { exact: true }).waitFor(); // beneath the question
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('canceled by request').waitFor();
  await close();
});

test('a question whose answer is of no use any more shows the page as it is', async () => {
  await answers('late', 500);
  await endpoint('late', { retry_schedule: [600] });
  const d = await deliver('late.created', { id: 1 });
  const { page, close } = await open();
  await signIn(page, key);
  await page.goto(url + at(d));
  await page.getByRole('button', { name: 'Cancel delivery' }).click();
  await api('POST', `/v1/deliveries/${d}/cancel`, undefined, key);
  await page.locator('.standing', { hasText: 'canceled by request' }).waitFor();
  await page.evaluate(() => { globalThis.sameDocument = true; });
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForFunction(() => !globalThis.sameDocument);
  await page.getByRole('button', { name: 'Retry now' }).waitFor();
  await close();
});

test('what strangers sent is shown as text, and nothing of it runs', async () => {
  const { page, close } = await open();
  page.on('dialog', () => assert.fail('a script ran'));
  await signIn(page, key);
  await page.goto(url + at(failed));
  const bodies = page.locator('pre.body', { hasText: hostile });
  await bodies.first().waitFor();
  assert.equal(await bodies.count(), 4); // the payload and the answer, formatted and as they came
  assert.equal(await page.locator('script:not([src])').count(), 0);
  await close();
});

test('verify tells which mistake makes a signature wrong', async () => {
  const raw = await (await fetch(`${receiver}/control/well`)).text();
  const [headers, body] = raw.split('\r\n\r\n');
  const { endpoint_id: id } = await api('GET', `/v1/deliveries/${delivered}`, undefined, key);
  const { secret } = await api('GET', `/v1/endpoints/${id}/secret`, undefined, key);
  const signed = (by, text) => `sha256=${createHmac('sha256', by).update(text).digest('hex')}`;
  const { page, close } = await open();
  await signIn(page, key);
  await page.goto(url + at(delivered));
  async function verdict(fields, says) {
    await page.getByLabel('Headers or a signature').fill(fields.got ?? '');
    await page.getByLabel('Body (optional)').fill(fields.body ?? '');
    await page.getByLabel('The receiver’s clock').fill(fields.clock ?? '');
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.locator('#verdict', { hasText: says }).waitFor();
  }
  await verdict({ got: headers }, 'It verifies.');
  await verdict({ got: signed('whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', body) }, 'Wrong secret.');
  await verdict({ got: signed(secret.slice(6), body) }, 'without whsec_ as the key');
  await verdict({ got: headers, body: body.replace('"id":1', '"id":2') }, 'The body changed.');
  await verdict({ got: headers, body: JSON.stringify(JSON.parse(body), null, 2) }, 'minified');
  await verdict({ got: headers, clock: String(Math.round(Date.now() / 1000) + 7200) }, 'The timestamp is too old.');
  await verdict({ got: signed(secret, body) }, 'It verifies.');
  assert.ok(!(await page.content()).includes(secret.slice(6)));
  await close();
});

test('a delivery is replayed after a question, and its id copied', async () => {
  const { page, close } = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
  await signIn(page, key);
  await page.goto(url + at(delivered));
  await page.getByRole('button', { name: `Copy ${delivered}` }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), delivered);
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Made by replay').waitFor();
  await page.locator('.badge.good', { hasText: 'Delivered' }).waitFor();
  await close();
});

test('who may only look is offered nothing to do', async () => {
  const { page, close } = await open();
  const link = await api('POST', '/v1/workspaces/delivery/portal-links', { abilities: ['view'] }, adminKey);
  await page.goto(link.url);
  await page.goto(url + at(failed, '/portal'));
  await page.getByText('500 Internal Server Error').first().waitFor();
  assert.equal(await page.locator('main form').count(), 0);
  await close();
});

looks(async () => {
  // Every picture is of the same: one that failed for good, one on its way, one that was delivered.
  await api('POST', '/v1/endpoints', { url: `${receiver}/to/gone`, events: ['gone.*'], retry_schedule: [] }, key);
  await answers('gone', 404, '<h1>Not Found</h1>');
  const gone = await deliver('gone.created', { id: 1 });
  await eventually('it is failed', async () => (await api('GET', `/v1/deliveries/${gone}`, undefined, key)).status === 'failed');
  const later = await deliver('well.later', { id: 2 });
  return [
    { name: 'delivery-pending', path: at(failed), as: key },
    { name: 'delivery-failed', path: at(gone), as: key },
    {
      name: 'delivery-verdict', path: at(later), as: key, then: async (page) => {
        await page.getByLabel('Headers or a signature').fill('sha256=470f55180a5a2afb9fce9a9fcf7d6970cac6b84b6abe4ff61920698607c29ada');
        await page.getByRole('button', { name: 'Verify' }).click();
        await page.locator('#verdict .note').waitFor();
        await page.evaluate(() => document.getElementById('verify').scrollIntoView());
      },
    },
    {
      name: 'delivery-command', path: at(later), as: key, then: async (page) => {
        await page.getByText('As a command').click();
        await page.evaluate(() => document.querySelector('.curl').scrollIntoView());
      },
    },
    { name: 'delivery-reader', path: at(later), as: (await api('POST', '/v1/workspaces/delivery/keys', { name: 'reader', scopes: ['deliveries:read'] }, adminKey)).key },
  ];
});

import assert from 'node:assert/strict';
import { adminKey, answers, api, eventually, looks, open, portalLink, signIn, test, url, workspace } from './common.mjs';

const key = await workspace('events', 'Events Inc');
const empty = await workspace('noevents', 'Nothing Yet');
const hostile = '</pre></code><script>alert(1)</script>';

test('an event type is made from a template, edited, and its example is published', async () => {
  await api('POST', '/v1/endpoints', { url: await answers('ev-gets', 204), events: ['post.*'] }, key);
  await api('POST', '/v1/endpoints', { url: await answers('ev-filtered', 204), events: ['*'], filters: { status: 'published' } }, key);
  const { page, close } = await open({}, ['422']);
  await signIn(page, key);
  await page.getByRole('link', { name: 'Event types' }).click();
  await page.getByRole('link', { name: 'New event type' }).click();
  await page.getByLabel('Begin with the types').fill('post');
  await page.getByRole('button', { name: 'Show them' }).click();
  await page.getByRole('link', { name: 'post.archived' }).click();
  await page.getByLabel('Schema (optional)').fill('{"$ref":"https://example.com/schema.json"}');
  await page.getByRole('button', { name: 'Create event type' }).click();
  await page.getByText('refers to another document').waitFor();
  await page.getByLabel('Schema (optional)').fill('{"type":"object","required":["id"]}');
  await page.getByLabel('is refused').check();
  await page.getByRole('button', { name: 'Create event type' }).click();
  await page.getByText('Event type saved.').waitFor();
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByLabel('Description').fill(hostile);
  await page.getByLabel('Example (optional)').fill('{"id": 4711, "status": "draft"}');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText(hostile).waitFor();
  await page.getByText('1 of 2 endpoints would get it').waitFor();
  await page.getByRole('link', { name: 'Publish one' }).click();
  assert.equal(await page.getByLabel('Type', { exact: true }).inputValue(), 'post.archived');
  assert.match(await page.getByLabel('Payload').inputValue(), /"id": 4711/);
  await page.getByLabel('Payload').fill('{"status":"draft"}');
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByText('Not published.').waitFor();
  await page.locator('#data-error', { hasText: '/id is required' }).waitFor();
  await close();
});

test('an event is checked while it is typed, published, and seen to arrive', async () => {
  await answers('ev-gets', 500);
  await api('POST', '/v1/endpoints', { url: await answers('ev-slow', 503), events: ['slow.*'], retry_schedule: [2, 2, 2, 2, 2] }, key);
  const { page, close } = await open();
  await signIn(page, key);
  await page.getByRole('link', { name: 'Events', exact: true }).click();
  await page.getByRole('link', { name: 'Publish an event' }).click();
  await page.getByLabel('Type', { exact: true }).fill('slow.one');
  await page.getByLabel('Payload').fill('{"status": }');
  await page.locator('#data-error', { hasText: 'in line 1 at column' }).waitFor();
  await page.locator('#data[aria-invalid=true]').waitFor();
  await page.getByLabel('Payload').fill(JSON.stringify({ status: 'draft', text: hostile }));
  await page.getByText('1 of 3 endpoints would get it').waitFor();
  assert.equal(await page.locator('#data[aria-invalid=true]').count(), 0);
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByText('Event published.').waitFor();
  await page.getByText('on the way').waitFor();
  assert.match(await page.locator('.long pre').first().textContent(), /<\/pre><\/code><script>alert\(1\)<\/script>/);
  assert.equal(await page.locator('main script').count(), 0);
  await answers('ev-slow', 204);
  await page.getByText('1 of 1 delivered').waitFor({ timeout: 30000 }); // without a reload
  await page.locator('.badge', { hasText: 'Delivered' }).waitFor();
  await page.getByRole('link', { name: 'Who got it, and why not' }).click();
  const filtered = page.getByRole('row').filter({ hasText: 'ev-filtered' });
  assert.match(await filtered.textContent(), /is not what the filter wants/);
  assert.deepEqual(await filtered.locator('.clause dd').allTextContents(), ['status', '"published"', '"draft"']);
  await filtered.getByRole('button', { name: 'Send it to' }).click();
  await page.getByText('whatever it subscribes to?').waitFor();
  await page.getByRole('button', { name: 'Keep it' }).click();
  await close();
});

test('a key leads to an event by the id that its publisher chose', async () => {
  await api('POST', '/v1/events', { type: 'order.paid', id: 'order-4711', ordering_key: 'order-4711', data: { id: 4711, lines: [{ sku: 'A', n: 2 }] } }, key);
  await api('POST', '/v1/events', { type: 'report.due', id: 'report-1', deliver_at: new Date(Date.now() + 86400000).toISOString(), data: {} }, key);
  const { page, close } = await open({}, ['404']);
  await signIn(page, key);
  await page.getByRole('link', { name: 'Events', exact: true }).click();
  await page.getByLabel('Id, yours or ours').fill('nobodys');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText("is no event's that is kept").waitFor();
  await page.getByLabel('Id, yours or ours').fill('order-4711');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByRole('heading', { name: 'order.paid', level: 1 }).waitFor();
  await close();
});

test('an event is replayed after a question', async () => {
  await api('POST', '/v1/events', { type: 'post.created', id: 'again', data: { status: 'published' } }, key);
  const { page, close } = await open({}, ['404']); // the replay's page is another test's
  await signIn(page, key);
  await page.goto(`${url}/console/w/events/events/again`);
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForURL(/\/replays\/rpl_/);
  await eventually('the replay made deliveries', async () => {
    const { data } = await api('GET', '/v1/events/again/deliveries', undefined, key);
    return data.some((d) => d.replay_id);
  });
  await close();
});

test('the portal shows an event, and publishes none', async () => {
  const { id } = await api('POST', '/v1/events', { type: 'post.created', data: { status: 'published' } });
  const { page, close } = await open();
  await page.goto(await portalLink(url, { abilities: ['view'] }));
  await page.getByRole('link', { name: 'Events', exact: true }).click();
  assert.equal(await page.getByRole('link', { name: 'Publish an event' }).count(), 0);
  await page.locator(`a[href$="${id}"]`).first().click();
  assert.equal(await page.getByRole('button', { name: 'Replay' }).count(), 0);
  await page.getByRole('link', { name: 'Who got it, and why not' }).click();
  await page.getByText('The receiver took it').first().waitFor();
  await close();
});

looks(async () => {
  const { data: [slow] } = await api('GET', '/v1/events?type=slow.one', undefined, key);
  const at = '/console/w/events';
  return [
    { name: 'events', path: `${at}/events`, as: key },
    { name: 'events-empty', path: '/console/w/noevents/events', as: empty },
    { name: 'events-none', path: `${at}/events?type=never.was`, as: key },
    { name: 'event', path: `${at}/events/order-4711`, as: key },
    { name: 'event-later', path: `${at}/events/report-1`, as: key },
    { name: 'event-explain', path: `${at}/events/${slow.id}/explain`, as: key },
    { name: 'event-new', path: `${at}/events/-/new?type=post.archived`, as: key },
    { name: 'event-types', path: `${at}/event-types`, as: key },
    { name: 'event-types-empty', path: '/console/w/noevents/event-types', as: adminKey },
    { name: 'event-type', path: `${at}/event-types/post.archived`, as: key },
    { name: 'event-type-new', path: `${at}/event-types/-/new?resource=post`, as: key },
    { name: 'event-type-edit', path: `${at}/event-types/post.archived/edit`, as: key },
  ];
});

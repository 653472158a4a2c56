import assert from 'node:assert/strict';
import { adminKey, answers, api, eventually, looks, open, portalLink, receiver, signIn, test, url, workspace } from './common.mjs';

const publish = (as, type = 'post.created', data = {}) => api('POST', '/v1/events', { type, data }, as);
const rows = (page) => page.locator('table.deliveries tbody tr');

// A workspace of its own, with an endpoint that answers as it is told.
async function shop(id, status) {
  const as = await workspace(id);
  const to = await answers(id, status);
  const endpoint = await api('POST', '/v1/endpoints', { url: to, events: ['*'], retry_schedule: [] }, as);
  return { as, endpoint, path: `/console/w/${id}/deliveries` };
}

test('a delivery arrives live, not while it is paused, and then all that came', async () => {
  const { as, path } = await shop('live', 200);
  const { page, close } = await open();
  await signIn(page, as);
  await page.getByRole('link', { name: 'Deliveries' }).click();
  await page.getByRole('heading', { name: 'No deliveries yet' }).waitFor();
  await publish(as, 'first.one');
  await rows(page).filter({ hasText: 'first.one' }).filter({ hasText: 'Delivered' }).waitFor();
  assert.equal(await page.evaluate(() => location.pathname), path);
  await rows(page).first().getByRole('checkbox').check(); // although there was none to choose when the page was opened
  assert.ok(await page.getByRole('button', { name: 'Replay chosen' }).isEnabled());
  await rows(page).first().getByRole('checkbox').uncheck();
  await page.getByRole('button', { name: 'Resume' }).click();

  const toggle = page.locator('[data-live-toggle]');
  await toggle.focus();
  await page.keyboard.press('Enter'); // by keyboard alone
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  for (let i = 0; i < 3; i++) await publish(as, 'second.one');
  await page.getByRole('button', { name: 'Resume, 3 new' }).waitFor();
  assert.equal(await rows(page).filter({ hasText: 'second.one' }).count(), 0);
  await page.keyboard.press('Enter');
  await rows(page).filter({ hasText: 'second.one' }).nth(2).waitFor();
  await page.getByText('Live again, with 3 new deliveries').waitFor({ state: 'attached' }); // said once
  await publish(as, 'third.one');
  await rows(page).first().filter({ hasText: 'third.one' }).waitFor();
  await close();
});

test('rows that are looked at stay, and the page holds no more than its rows', async () => {
  const { as, path } = await shop('stays', 200);
  const { page, close } = await open();
  await signIn(page, as);
  await publish(as, 'kept.one');
  await page.goto(url + path);
  const kept = rows(page).filter({ hasText: 'kept.one' });
  await kept.filter({ hasText: 'Delivered' }).waitFor();
  await page.evaluate(() => { document.querySelector('table.deliveries tbody tr').dataset.marked = 'yes'; });
  await publish(as, 'new.one');
  await rows(page).first().filter({ hasText: 'new.one' }).waitFor();
  assert.equal(await page.locator('tr[data-marked]').count(), 1, 'a row that did not change was made anew');
  await kept.getByRole('checkbox').check();
  await page.getByText('Paused while rows are chosen').first().waitFor();
  await page.getByRole('button', { name: /Resume/ }).click();
  await publish(as, 'newer.one');
  await rows(page).first().filter({ hasText: 'newer.one' }).waitFor();
  assert.ok(await kept.getByRole('checkbox').isChecked());
  await kept.getByRole('checkbox').uncheck();
  const type = 'many.of';
  await api('POST', '/v1/events/batch', { events: Array.from({ length: 120 }, () => ({ type, data: {} })) }, as);
  await eventually('50 of them', async () => await rows(page).filter({ hasText: type }).count() === 50);
  assert.equal(await rows(page).count(), 50);
  await close();
});

test('filters stay in the address over a reload, and are removed one by one', async () => {
  const { as, path, endpoint } = await shop('filters', 500);
  await publish(as, 'post.created');
  await publish(as, 'post.deleted');
  const { page, close } = await open({}, ['422']);
  await signIn(page, as);
  await page.goto(url + path);
  await rows(page).filter({ hasText: 'Failed' }).nth(1).waitFor();
  await page.getByLabel('Status', { exact: true }).selectOption('Failed');
  await page.getByLabel('Endpoint').selectOption(endpoint.url);
  await page.getByLabel('Event type').fill('post.deleted');
  await page.getByLabel('Answer').selectOption('5xx, receiver failed');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(`**${path}?status=failed&endpoint=${endpoint.id}&type=post.deleted&status_class=5xx`); // and nothing that is empty
  await rows(page).filter({ hasText: 'post.deleted' }).waitFor();
  await page.reload();
  assert.equal(await page.getByLabel('Event type').inputValue(), 'post.deleted');
  assert.equal(await page.getByLabel('Status', { exact: true }).inputValue(), 'failed');
  assert.equal(await rows(page).count(), 1);
  await page.getByRole('link', { name: 'Remove the filter Event type' }).click();
  await rows(page).filter({ hasText: 'post.created' }).waitFor();
  await publish(as, 'post.created'); // matches, too
  await rows(page).nth(2).waitFor();
  await page.getByRole('link', { name: 'Clear all' }).click();
  await page.waitForURL(`**${path}`);
  await page.goto(`${url}${path}?type=a..b`);
  await page.getByText('This must be an event type').waitFor();
  await close();
});

test('two failed ones are chosen and replayed, and arrive', async () => {
  const { as, path } = await shop('bulk', 500);
  for (let i = 0; i < 3; i++) await publish(as);
  const { page, close } = await open();
  await signIn(page, as);
  await page.goto(`${url}${path}?status=failed`);
  await rows(page).nth(2).waitFor();
  await answers('bulk', 200);
  const replay = page.getByRole('button', { name: 'Replay chosen' });
  assert.ok(await replay.isDisabled());
  await page.getByLabel('Choose all on this page').check();
  await page.getByText('3 chosen', { exact: true }).waitFor();
  await page.setViewportSize({ width: 400, height: 860 }); // where a table has no head
  await page.getByLabel('Choose all', { exact: true }).uncheck();
  assert.ok(await replay.isDisabled());
  await page.getByLabel('Choose all', { exact: true }).check();
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.getByText('3 chosen', { exact: true }).waitFor();
  await rows(page).nth(1).getByRole('checkbox').uncheck();
  await page.getByText('2 chosen', { exact: true }).waitFor();
  await replay.click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Replay started.').waitFor();
  await page.getByText('2 of 2').waitFor(); // by itself
  await page.locator('.replay .badge', { hasText: 'Done' }).waitFor();
  await page.getByRole('link', { name: 'see the deliveries' }).click();
  await page.getByLabel('Status', { exact: true }).selectOption('Delivered');
  await page.getByRole('button', { name: 'Filter' }).click();
  await rows(page).nth(1).waitFor();
  assert.equal(await rows(page).filter({ hasText: 'replayed' }).count(), 2);
  await close();
});

test('all that match are counted and replayed', async () => {
  const { as, path, endpoint } = await shop('cancels', 500);
  await api('POST', '/v1/events/batch', { events: Array.from({ length: 30 }, () => ({ type: 'a.b', data: {} })) }, as);
  const { page, close } = await open();
  await signIn(page, as);
  await eventually('they failed', async () => (await api('GET', '/v1/deliveries?status=failed&limit=250', undefined, as)).data.length === 30);
  await page.goto(`${url}${path}?status=failed&endpoint=${endpoint.id}`);
  await page.getByRole('link', { name: 'Replay all that match…' }).click();
  await page.getByText('30 deliveries', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Replay 30 deliveries' }).click();
  await page.getByText('Replay started.').waitFor();
  await page.getByText('30 of 30').waitFor();
  await close();
});

test('a replay that is under way is watched and canceled', async () => {
  const as = await workspace('cancels-one');
  for (let i = 0; i < 8; i++) { // for nobody yet
    await api('POST', '/v1/events/batch', { events: Array.from({ length: 1000 }, () => ({ type: 'a.b', data: {} })) }, as);
  }
  const endpoint = await api('POST', '/v1/endpoints', { url: await answers('cancels-one', 200), events: ['*'] }, as);
  const { page, close } = await open();
  await signIn(page, as);
  const since = new Date(Date.now() - 3600000).toISOString();
  const { id } = await api('POST', `/v1/endpoints/${endpoint.id}/replay`, { since, statuses: ['missing'] }, as);
  await page.goto(`${url}/console/w/cancels-one/replays/${id}`);
  await page.getByRole('button', { name: 'Cancel replay' }).click();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Replay canceled.').waitFor();
  await page.locator('.replay .badge', { hasText: 'Canceled' }).waitFor();
  const { done, total, status } = await api('GET', `/v1/replays/${id}`, undefined, as);
  assert.ok(status === 'canceled' && done < total, `${status}, ${done} of ${total}`);
  await page.getByRole('link', { name: 'Replays' }).click();
  await page.locator('tbody tr', { hasText: 'Canceled' }).waitFor();
  await close();
});

async function toLookAt() {
  const as = await workspace('looks', 'Looks');
  const to = await answers('looks', 500, '<script>alert(1)</script>');
  await api('POST', '/v1/endpoints', { url: to, events: ['post.*'], retry_schedule: [] }, as);
  await api('POST', '/v1/endpoints', { url: `${receiver}/to/looks-well`, events: ['*'] }, as);
  await api('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/a-path-that-is-rather-long/and-goes-on/for-a-while', events: ['invoice.paid'] }, as);
  for (const type of ['post.created', 'post.deleted', 'invoice.paid', 'user.created']) await publish(as, type);
  const failed = await eventually('two failed', async () => {
    const { data } = await api('GET', '/v1/deliveries?status=failed', undefined, as);
    return data.length === 2 && data;
  });
  const replay = await api('POST', '/v1/replays', { delivery_ids: failed.map((d) => d.id) }, as);
  const endpoint = failed[0].endpoint_id;
  const at = '/console/w/looks';
  return [
    { name: 'deliveries', path: `${at}/deliveries`, as, then: (page) => rows(page).nth(5).waitFor() },
    { name: 'deliveries-filtered', path: `${at}/deliveries?status=failed&endpoint=${endpoint}&within=24h`, as, then: (page) => rows(page).first().getByRole('checkbox').check() },
    { name: 'deliveries-wrong', path: `${at}/deliveries?type=a..b&since=yesterday`, as, status: 422 },
    { name: 'deliveries-none', path: `${at}/deliveries?type=nobody.sends`, as },
    { name: 'replays', path: `${at}/replays`, as },
    { name: 'replay', path: `${at}/replays/${replay.id}`, as },
    { name: 'replay-all', path: `${at}/deliveries/replay?status=failed&endpoint=${endpoint}`, as },
    { name: 'deliveries-empty', path: '/console/w/globex/deliveries', as: adminKey },
    { name: 'replays-empty', path: '/console/w/globex/replays', as: adminKey },
  ];
}
looks(toLookAt);

test('the portal shows its own deliveries, and one that only looks replays nothing', async () => {
  for (const [abilities, may] of [[['view'], 0], [['view', 'manage'], 1]]) {
    const { page, close } = await open();
    await page.goto(await portalLink(url, { abilities }));
    await page.getByRole('link', { name: 'Deliveries' }).click();
    await rows(page).nth(10).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Replay chosen' }).count(), may);
    assert.equal(await rows(page).first().getByRole('checkbox').count(), may);
    await page.getByRole('link', { name: 'Replays', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Replays' }).waitFor();
    await close();
  }
});

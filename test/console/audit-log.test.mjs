import assert from 'node:assert/strict';
import { adminKey, api, looks, open, signIn, test, url, workspace } from './common.mjs';

const script = '</pre><script>document.title = "got in"</script>';
let key;

test('the audit log shows what was done, in words, and filters', async () => {
  key = await workspace('chronicle');
  const endpoint = await api('POST', '/v1/endpoints', { url: 'http://127.0.0.1:9/hook', events: ['*'], description: script }, key);
  await api('PATCH', `/v1/endpoints/${endpoint.id}`, { timeout: 20, description: 'Calm' }, key);
  await api('PATCH', `/v1/endpoints/${endpoint.id}`, { is_active: false }, key);
  const { page, close } = await open();
  await signIn(page, key);
  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByText(`Key dev disabled endpoint ${endpoint.id}`).waitFor();
  await page.getByText('2 fields: description, timeout').click();
  await page.getByText(script).first().waitFor();
  assert.match(await page.title(), /^Audit log/);
  await page.getByLabel('Action').selectOption('createEndpoint');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText(`Key dev created endpoint ${endpoint.id}`).waitFor();
  assert.equal(await page.locator('.log > li').count(), 1);
  assert.match(page.url(), /action=createEndpoint/);
  await page.getByLabel('Who').fill('admin');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByText('Nothing like this').waitFor();
  await page.getByRole('link', { name: 'Clear' }).click();
  await page.getByRole('link', { name: 'all of this endpoint' }).first().click();
  assert.equal(await page.locator('.log > li').count(), 3);
  await close();
});

looks(() => [
  { name: 'audit-log', path: '/console/w/chronicle/audit-log', as: key, then: (page) => page.getByText('2 fields: description, timeout').click() },
  { name: 'audit-log-none', path: '/console/w/chronicle/audit-log?actor=admin&since=2020-01-01T00:00', as: key, then: (page) => page.getByRole('link', { name: 'Clear' }).waitFor() },
  { name: 'audit-log-all', path: '/console/audit-log', as: adminKey },
]);

import assert from 'node:assert/strict';
import { adminKey, api, looks, open, signIn, test, url } from './common.mjs';

test('a workspace is made, renamed and deleted by who types its id', async () => {
  const { page, close } = await open({}, ['422', '404']);
  await signIn(page, adminKey);
  await page.getByRole('link', { name: 'New workspace' }).click();
  await page.getByLabel('Name').fill('Short <b>lived</b>');
  await page.getByLabel('Id (optional)').fill('short-lived');
  await page.getByRole('button', { name: 'Create workspace' }).click();
  await page.getByText('Workspace created.').waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByLabel('Name').fill('Renamed');
  await page.getByLabel('Portal origins').fill('https://app.example.com\nhttps://app.example.com/path');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Not saved.').waitFor();
  await page.getByLabel('Portal origins').fill('https://app.example.com');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await page.getByText('Changes saved.').waitFor();
  assert.equal((await api('GET', '/v1/workspaces/short-lived', undefined, adminKey)).portal_origins[0], 'https://app.example.com');
  await page.getByRole('button', { name: 'Delete Renamed' }).click();
  await page.getByText('Not deleted.').waitFor();
  await page.getByLabel('Type short-lived to confirm').fill('short-lived');
  await page.getByRole('button', { name: 'Delete Renamed' }).click();
  await page.getByText('Workspace deleted.').waitFor();
  await page.goto(`${url}/console/w/short-lived/overview`);
  await page.getByText('what was here is deleted').waitFor();
  await close();
});

test('a portal link made on the page opens once', async () => {
  const admin = await open();
  await signIn(admin.page, adminKey);
  await admin.page.goto(`${url}/console/w/acme/settings`);
  await admin.page.getByLabel('View').check();
  await admin.page.getByRole('button', { name: 'Make a portal link' }).click();
  const link = await admin.page.locator('.code code').textContent();
  const customer = await open();
  await customer.page.goto(link);
  await customer.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await customer.page.getByRole('link', { name: 'Endpoints' }).click();
  assert.equal(await customer.page.getByRole('link', { name: 'New endpoint' }).count(), 0);
  const late = await open({}, ['401']);
  await late.page.goto(link);
  await late.page.getByText('This link was used or is too old').waitFor();
  for (const who of [admin, customer, late]) await who.close();
});

looks(() => [
  { name: 'workspace-new', path: '/console/workspaces/new', as: adminKey },
  { name: 'settings', path: '/console/w/acme/settings', as: adminKey },
  {
    name: 'portal-link', path: '/console/w/acme/settings', as: adminKey, then: async (page) => {
      await page.getByRole('button', { name: 'Make a portal link' }).click();
      await page.getByText('It opens once, expires').waitFor();
    },
  },
]);

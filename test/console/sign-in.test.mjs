import assert from 'node:assert/strict';
import { adminKey, key, looks, open, signIn, test, url, workspace } from './common.mjs';

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

test('the theme is remembered', async () => {
  const { page, close } = await open({ colorScheme: 'light' });
  await page.goto(`${url}/console/sign-in`);
  await page.getByRole('button', { name: 'Dark or light' }).click();
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await close();
});

test('the admin goes from one workspace to another', async () => {
  await workspace('next-door'); // the menu has the newest
  const { page, close } = await open();
  await signIn(page, adminKey);
  await page.getByRole('link', { name: 'Acme Blog', exact: true }).click();
  await page.getByText('Acme Blog').first().click();
  await page.getByRole('link', { name: 'next-door', exact: true }).click();
  await page.getByText('No events yet').waitFor();
  await close();
});

looks(() => [
  { name: 'sign-in', path: '/console/sign-in' },
  { name: 'not-found', path: '/console/w/acme/nothing', as: key, status: 404 },
  { name: 'workspaces', path: '/console/workspaces', as: adminKey },
]);

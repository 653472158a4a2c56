import assert from 'node:assert/strict';
import { adminKey, looks, open, signIn, test, url, workspace } from './common.mjs';

test('a key of two scopes sees only what it may, and is signed out when it is revoked', async () => {
  await workspace('keyring');
  const admin = await open();
  await signIn(admin.page, adminKey);
  await admin.page.goto(`${url}/console/w/keyring/keys`);
  await admin.page.getByRole('link', { name: 'New API key' }).click();
  await admin.page.getByLabel('Name').fill('<i>reporter</i>');
  await admin.page.getByLabel('deliveries:read').check();
  await admin.page.getByLabel('events:read').check();
  await admin.page.getByRole('button', { name: 'Create API key' }).click();
  const key = await admin.page.locator('.code code').textContent();
  assert.match(key, /^pr_[\w-]{32}$/);
  await admin.page.getByRole('link', { name: 'To the API keys' }).click();
  await admin.page.getByText('Read events, see deliveries').waitFor();

  const reporter = await open({}, ['403']);
  await signIn(reporter.page, key);
  await reporter.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  const sections = await reporter.page.locator('.sections a').allTextContents();
  assert.ok(sections.includes('Overview'), sections);
  for (const hidden of ['Endpoints', 'API keys', 'Queues', 'Audit log', 'Settings']) assert.ok(!sections.includes(hidden), hidden);
  await reporter.page.goto(`${url}/console/w/keyring/endpoints`);
  await reporter.page.getByText('It needs the scope endpoints:read').waitFor();
  await reporter.page.goto(`${url}/console/w/keyring/overview`);
  await reporter.page.getByRole('link', { name: 'Key <i>reporter</i>' }).click();
  await reporter.page.getByText('This is the key you are signed in with').waitFor();

  const revoke = admin.page.getByRole('button', { name: 'Revoke <i>reporter</i>' });
  await revoke.click();
  await admin.page.getByRole('button', { name: 'Keep it' }).click();
  await revoke.click();
  await admin.page.getByRole('button', { name: 'Go on' }).click();
  await admin.page.getByText('Key revoked.').waitFor();
  await reporter.page.reload();
  await reporter.page.getByRole('heading', { name: 'Sign in to Postrider' }).waitFor();
  await admin.close();
  await reporter.close();
});

test('a key without a scope is not made', async () => {
  const { page, close } = await open({}, ['422']);
  await signIn(page, adminKey);
  await page.goto(`${url}/console/w/acme/keys/new`);
  await page.getByLabel('Name').fill('nothing');
  await page.getByRole('button', { name: 'Create API key' }).click();
  await page.getByText('This must be at least one.').waitFor();
  await close();
});

looks(async () => {
  const holder = await workspace('keyholder', 'Key holders');
  return [
    { name: 'keys', path: '/console/w/keyring/keys', as: adminKey },
    { name: 'keys-empty', path: '/console/w/initech/keys', as: adminKey },
    { name: 'key-new', path: '/console/w/keyring/keys/new', as: adminKey },
    {
      name: 'key-created', path: '/console/w/keyholder/keys/new', as: adminKey, then: async (page) => {
        await page.getByLabel('Name').fill('picture');
        await page.getByLabel('events:write').check();
        await page.getByRole('button', { name: 'Create API key' }).click();
        await page.getByText('shown this once').waitFor();
      },
    },
    { name: 'key-own', path: '/console/w/keyholder/keys', as: holder },
  ];
});

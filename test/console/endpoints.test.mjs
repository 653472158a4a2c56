import { adminKey, key, looks, open, signIn, test, url } from './common.mjs';

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

looks(() => [
  { name: 'endpoints', path: '/console/w/acme/endpoints', as: key },
  { name: 'endpoints-empty', path: '/console/w/globex/endpoints', as: adminKey },
  { name: 'endpoint-new', path: '/console/w/acme/endpoints/new', as: key },
]);

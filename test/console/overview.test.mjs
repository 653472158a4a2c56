import { adminKey, api, key, looks, open, signIn, test } from './common.mjs';

test('the overview follows what happens without a reload', async () => {
  const { page, close } = await open();
  await signIn(page, key);
  const figure = page.locator('.tile .figure').first();
  const was = await figure.textContent();
  await api('POST', '/v1/events', { type: 'post.created', data: { status: 'published' } });
  await page.waitForFunction((text) => document.querySelector('.tile .figure').textContent !== text, was, { timeout: 30000 });
  await close();
});

looks(() => [
  { name: 'overview', path: '/console/w/acme/overview?window=1h', as: key },
  { name: 'overview-empty', path: '/console/w/globex/overview', as: adminKey },
]);

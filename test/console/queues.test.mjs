import { adminKey, answers, api, looks, open, receiver, signIn, test, url, workspace } from './common.mjs';

test('the queues show the worker, and what is tried again, without a reload', async () => {
  const key = await workspace('waiting');
  const { page, close } = await open();
  await signIn(page, adminKey);
  await page.goto(`${url}/console/w/waiting/queues`);
  await page.getByText('on 1 worker').waitFor();
  const target = await answers('waiting', 500);
  await api('POST', '/v1/endpoints', { url: target, events: ['*'], retry_schedule: [600] }, key);
  await api('POST', '/v1/events', { type: 'a', data: {} , wait: 5 }, key);
  const retry = page.locator('tr', { hasText: 'What failed and is tried again' });
  await retry.locator('td[data-label=Scheduled], td[data-label=Retry]').filter({ hasText: /^[1-9]/ }).first().waitFor({ timeout: 30000 });
  await close();
});

looks(() => [
  { name: 'queues', path: '/console/w/acme/queues', as: adminKey },
  { name: 'queues-all', path: '/console/queues', as: adminKey },
]);

import { open, portalLink, secure, sitePort, test, url } from './common.mjs';

test('a portal link opens the portal once and only once', async () => {
  const link = await portalLink(url);
  const first = await open();
  await first.page.goto(link);
  await first.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  const second = await open({}, ['401']);
  await second.page.goto(link);
  await second.page.getByText('This link was used or is too old').waitFor();
  await first.close();
  await second.close();
});

test('the portal works in a frame of a site that the workspace names, and in no other', async () => {
  const framed = await open();
  await framed.page.goto(`https://localhost:${sitePort}/?src=${encodeURIComponent(await portalLink(secure))}`);
  const portal = framed.page.frameLocator('iframe');
  await portal.getByRole('link', { name: 'Endpoints' }).click();
  await portal.getByRole('link', { name: 'New endpoint' }).click();
  await portal.getByLabel('URL').fill('http://127.0.0.1:9/framed');
  await portal.getByLabel('Events', { exact: true }).fill('*');
  await portal.getByRole('button', { name: 'Create endpoint' }).click();
  await portal.getByText('whsec_').waitFor();
  await framed.close();
  const refused = await open({}, ['frame-ancestors', 'Framing', 'frame']);
  const said = new Promise((resolve) => { refused.page.on('console', (m) => m.text().includes('frame-ancestors') && resolve()); });
  await refused.page.goto(`https://127.0.0.1:${sitePort}/?src=${encodeURIComponent(await portalLink(secure))}`);
  await said;
  await refused.close();
});

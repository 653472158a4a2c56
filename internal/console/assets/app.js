// What the pages do beyond links and forms, by data attributes. A page works without.
(() => {
  const root = document.documentElement;

  // Times in the reader's zone; the title keeps UTC.
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
  const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const steps = [['second', 60], ['minute', 60], ['hour', 24], ['day', 7]];
  function inWords(at) {
    let n = (at - Date.now()) / 1000;
    for (const [unit, size] of steps) {
      if (Math.abs(n) < size) return relative.format(Math.round(n), unit);
      n /= size;
    }
    return absolute.format(at);
  }
  // How long until then, in its two largest units.
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  function untilThen(at) {
    let left = Math.round((at - Date.now()) / 1000);
    const parts = [];
    for (const [unit, size] of units) {
      if (left >= size && parts.length < 2) parts.push(`${Math.floor(left / size)} ${unit}`);
      else if (parts.length) break;
      left %= size;
    }
    return parts.length ? `in ${parts.join(' ')}` : 'any moment';
  }
  function showTimes(within) {
    for (const t of within.querySelectorAll('time[data-time]')) {
      const at = new Date(t.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      if (t.dataset.time === 'countdown') t.textContent = untilThen(at);
      else t.textContent = t.dataset.time === 'absolute' ? absolute.format(at) : inWords(at);
    }
  }
  showTimes(document);
  setInterval(() => showTimes(document), 15000);
  setInterval(() => {
    for (const t of document.querySelectorAll('time[data-time=countdown]')) t.textContent = untilThen(new Date(t.dateTime));
  }, 1000);
  document.addEventListener('htmx:load', (e) => showTimes(e.detail.elt));

  // Dark or light, remembered.
  for (const toggle of document.querySelectorAll('[data-theme-toggle]')) {
    toggle.hidden = false;
    toggle.addEventListener('click', () => {
      const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
      root.dataset.theme = dark ? 'light' : 'dark';
      try {
        localStorage.setItem('postrider-theme', root.dataset.theme);
      } catch {
        // Not kept; it lasts as long as the page.
      }
    });
  }

  // Copy what stands beside the button.
  document.addEventListener('click', async (e) => {
    const button = e.target.closest('[data-copy]');
    if (!button) return;
    const code = button.parentElement.querySelector('code');
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });

  // What is checked while it is typed: the field knows whether it is wrong.
  document.addEventListener('htmx:oobAfterSwap', (e) => {
    const error = document.getElementById(e.detail.target.id);
    const field = error?.id.endsWith('-error') && document.getElementById(error.id.slice(0, -'-error'.length));
    if (!field) return;
    if (error.textContent) field.setAttribute('aria-invalid', 'true');
    else field.removeAttribute('aria-invalid');
  });

  // Ask before what is not easily undone.
  const dialog = document.getElementById('confirm');
  document.addEventListener('submit', (e) => {
    const text = e.submitter?.dataset.confirm;
    if (!text || e.target.dataset.confirmed) return;
    e.preventDefault();
    document.getElementById('confirm-text').textContent = text;
    dialog.returnValue = '';
    dialog.addEventListener('close', () => {
      if (dialog.returnValue !== 'yes') return;
      e.target.dataset.confirmed = 'yes';
      e.target.requestSubmit(e.submitter);
    }, { once: true });
    dialog.showModal();
  });
})();

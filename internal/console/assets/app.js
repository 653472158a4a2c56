// What the pages do beyond links and forms, by data attributes. A page works without.
(() => {
  const root = document.documentElement;

  // Times in the reader's zone; the title has them to the second, here and in UTC.
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
  const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  const toTheSecond = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
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
      t.dataset.utc ??= t.title;
      t.title = `${toTheSecond.format(at)} here, ${t.dataset.utc}`;
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
  document.addEventListener('live:came', (e) => showTimes(e.detail));

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

  // What htmx asked for and did not get is said, for the page stays as it was.
  for (const name of ['htmx:responseError', 'htmx:sendError', 'htmx:timeout']) {
    document.addEventListener(name, (e) => {
      const status = e.detail.xhr?.status;
      const toast = document.createElement('div');
      toast.className = 'toast';
      toast.setAttribute('role', 'alert');
      toast.textContent = status ? `That did not work (${status}). Reload the page and try again.` : 'Postrider did not answer. Try again.';
      document.body.append(toast);
      setTimeout(() => toast.remove(), 6000);
    });
  }

  // Ask before what is not easily undone. Live updates may replace the form while the
  // question is open: what is sent then is the one that stands in its place.
  const dialog = document.getElementById('confirm');
  let confirmed = null; // the form that is being sent
  document.addEventListener('submit', (e) => {
    const { submitter, target: form } = e;
    const text = submitter?.dataset.confirm;
    if (!text || form === confirmed) return;
    e.preventDefault();
    document.getElementById('confirm-text').textContent = text;
    dialog.returnValue = '';
    dialog.addEventListener('close', () => {
      if (dialog.returnValue !== 'yes') return;
      const button = submitter.isConnected ? submitter : sameButton(form, text);
      if (!button) {
        location.reload(); // there is nothing to confirm any more
        return;
      }
      confirmed = button.form;
      confirmed.requestSubmit(button);
      confirmed = null; // who comes back to this page is asked again
    }, { once: true });
    dialog.showModal();
  });
  function sameButton(form, text) {
    return [...document.querySelectorAll('[data-confirm]')].find((b) => b.dataset.confirm === text && b.form?.method === form.method && b.form.getAttribute('action') === form.getAttribute('action'));
  }

  // A filter that is empty is none: it is left out of the address.
  document.addEventListener('submit', (e) => {
    if (!e.target.matches('[data-tidy]')) return;
    for (const field of e.target.elements) field.disabled = field.name !== '' && field.value === '';
    addEventListener('pageshow', () => { for (const field of e.target.elements) field.disabled = false; }, { once: true });
  });

  // Rows that are chosen, to do something with all of them.
  function countChosen(form) {
    const rows = [...form.querySelectorAll('tbody input[type=checkbox]:not(:disabled)')];
    const n = rows.filter((row) => row.checked).length;
    for (const all of form.querySelectorAll('[data-select-all]')) { // one of a wide page, one of a narrow one
      (all.closest('label') ?? all).hidden = rows.length === 0;
      all.checked = n > 0 && n === rows.length;
      all.indeterminate = n > 0 && n < rows.length;
    }
    const said = form.querySelector('[data-selected]');
    const text = n ? `${n} chosen` : '';
    if (said && said.textContent !== text) said.textContent = text;
    for (const button of form.querySelectorAll('[data-needs-selection]')) button.disabled = n === 0;
    return n;
  }
  for (const form of document.querySelectorAll('[data-select]')) {
    countChosen(form);
    form.addEventListener('change', (e) => {
      if (e.target.matches('[data-select-all]')) {
        for (const row of form.querySelectorAll('tbody input[type=checkbox]:not(:disabled)')) row.checked = e.target.checked;
      }
      if (countChosen(form) > 0) form.querySelector('[data-live]')?.dispatchEvent(new CustomEvent('live:pause', { detail: 'Paused while rows are chosen' }));
    });
  }

  // A list that is live: rows that stay are left alone, so that a click, a tick or the
  // focus on one is not lost, and nobody reads what moves away.
  const mostCounted = 999;
  for (const list of document.querySelectorAll('[data-live]')) {
    const form = list.closest('form');
    const [bar, toggle, state, said] = ['bar', 'toggle', 'state', 'said'].map((name) => form.querySelector(`[data-live-${name}]`));
    let paused = false;
    let waiting = null; // the newest list that came while it was paused
    let known = new Set(); // rows that were shown, or counted
    let missed = new Set(); // counted while it was paused
    let unsaid = 0;
    bar.hidden = false;
    const ids = (within) => [...within.querySelectorAll('tbody tr[id]')].map((row) => row.id);
    ids(list).forEach((id) => known.add(id));

    function show(html) {
      const came = document.createElement('template');
      came.innerHTML = html;
      const [from, to] = [came.content.querySelector('tbody'), list.querySelector('tbody')];
      if (!from || !to) {
        list.replaceChildren(came.content);
      } else {
        const rows = new Map([...to.rows].map((row) => [row.id, row]));
        const next = [...from.rows].map((row) => {
          const old = rows.get(row.id);
          if (!old) row.classList.add('new');
          if (!old || old.dataset.version === row.dataset.version) return old ?? row;
          const [was, is] = [old, row].map((r) => r.querySelector('input[type=checkbox]'));
          if (was && is && !is.disabled) is.checked = was.checked;
          old.replaceWith(row);
          return row;
        });
        for (const row of [...to.rows]) if (!next.includes(row)) row.remove();
        next.forEach((row, i) => { if (to.rows[i] !== row) to.insertBefore(row, to.rows[i] ?? null); });
      }
      showTimes(list);
      countChosen(form);
      known = new Set(ids(list));
    }
    function tell() {
      const n = missed.size > mostCounted ? `${mostCounted}+` : String(missed.size);
      const text = paused ? (missed.size ? `Resume, ${n} new` : 'Resume') : 'Pause';
      if (toggle.textContent !== text) toggle.textContent = text;
    }
    function pause(why) {
      if (paused) return;
      paused = true;
      form.classList.add('paused');
      state.textContent = why;
      said.textContent = why;
      tell();
    }
    function resume() {
      paused = false;
      form.classList.remove('paused');
      state.textContent = 'Live';
      said.textContent = missed.size ? `Live again, with ${missed.size} new deliveries` : 'Live again';
      missed = new Set();
      if (waiting !== null) show(waiting);
      waiting = null;
      tell();
    }
    toggle.addEventListener('click', () => (paused ? resume() : pause('Paused')));
    list.addEventListener('live:pause', (e) => pause(e.detail));
    // Who goes through the rows by keyboard must not have them move away.
    list.addEventListener('focusin', (e) => { if (e.target.matches(':focus-visible')) pause('Paused while a row has the focus'); });
    list.addEventListener('htmx:sseBeforeMessage', (e) => {
      e.preventDefault();
      const html = e.detail.data;
      const came = document.createElement('template');
      came.innerHTML = html;
      const fresh = ids(came.content).filter((id) => !known.has(id) && !missed.has(id));
      unsaid += fresh.length;
      if (!paused) return show(html);
      waiting = html;
      if (missed.size <= mostCounted) fresh.forEach((id) => missed.add(id));
      tell();
    });
    // A screen reader is told now and then, not of each row.
    setInterval(() => {
      if (unsaid > 0) said.textContent = `${unsaid} new ${unsaid === 1 ? 'delivery' : 'deliveries'}`;
      unsaid = 0;
    }, 10000);
    for (const [name, text] of [['live:stale', 'Not up to date'], ['htmx:sseOpen', 'Live']]) {
      document.addEventListener(name, () => { if (!paused) state.textContent = text; });
    }
  }
})();

// Live parts of pages: what they hold open, how they change, and what is said when no
// more comes.
(() => {
  // A browser has six connections to a host in HTTP/1.1, for all of its tabs, and each
  // live page holds one. So a page that nobody sees lets go of it, and takes it again.
  const sources = new Set(); // those that are not over
  class Source {
    readyState = EventSource.CONNECTING;
    #url;
    #now = null;
    #listeners = [];
    constructor(url) {
      this.#url = url;
      sources.add(this);
      this.follow();
    }
    // Opens it while the page is seen, and only then.
    follow() {
      if (document.hidden) {
        this.#now?.close();
        this.#now = null;
        return;
      }
      if (this.#now) return;
      const source = new EventSource(this.#url);
      this.#now = source;
      for (const [name, listener] of this.#listeners) source.addEventListener(name, listener);
      source.onopen = (e) => {
        this.readyState = source.readyState;
        this.onopen?.(e);
      };
      source.onerror = (e) => {
        this.readyState = source.readyState;
        if (this.readyState === EventSource.CLOSED) sources.delete(this); // sse.js makes another
        this.onerror?.(e);
      };
    }
    addEventListener(name, listener) {
      this.#listeners.push([name, listener]);
      this.#now?.addEventListener(name, listener);
    }
    removeEventListener(name, listener) {
      this.#listeners = this.#listeners.filter(([n, l]) => n !== name || l !== listener);
      this.#now?.removeEventListener(name, listener);
    }
    close() {
      sources.delete(this);
      this.readyState = EventSource.CLOSED;
      this.#now?.close();
      this.#now = null;
    }
  }
  htmx.createEventSource = (url) => new Source(url);
  document.addEventListener('visibilitychange', () => { for (const source of sources) source.follow(); });

  // What is there already stays where it is, and only what differs is changed: so the
  // focus, a selection, what was opened and what a screen reader was told are not lost.
  const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && (node.id || (node.localName === 'form' && node.getAttribute('action')))) || '';
  const alike = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
  function become(old, fresh) {
    const coming = [...fresh.childNodes];
    const keys = new Set(coming.map(keyOf));
    let at = old.firstChild;
    for (const node of coming) {
      keys.delete(keyOf(node));
      let same = at;
      while (same && !alike(same, node)) same = keys.has(keyOf(same)) && keyOf(same) ? null : same.nextSibling;
      if (!same) {
        old.insertBefore(node, at);
        if (node.nodeType === Node.ELEMENT_NODE) htmx.process(node);
        continue;
      }
      while (at !== same) at = removed(at);
      changeTo(same, node);
      at = same.nextSibling;
    }
    while (at) at = removed(at);
  }
  function removed(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }
  function changeTo(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if (old.hasAttribute('hx-preserve')) return;
    const kept = (name) => name === 'open' && old.localName === 'details'; // the reader's
    for (const { name, value } of fresh.attributes) if (!kept(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes]) if (!kept(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
    become(old, fresh);
  }
  document.addEventListener('htmx:sseBeforeMessage', (e) => {
    const region = e.target;
    if (region.matches('[data-live]')) return; // a list, which app.js shows
    e.preventDefault();
    const came = document.createElement('template');
    came.innerHTML = e.detail.data;
    document.dispatchEvent(new CustomEvent('live:came', { detail: came.content })); // before it is compared
    const focused = region.contains(document.activeElement) ? document.activeElement : null;
    become(region, came.content);
    if (focused && !focused.isConnected) { // what it was on is gone: it goes on from here, not from the top of the page
      region.tabIndex = -1;
      region.focus({ preventScroll: true });
    }
  });

  // Who looks at figures is to know that they are old: at once where nothing more comes,
  // and where a connection is tried again, if that takes longer than it does as planned.
  const patience = 15000;
  const note = document.getElementById('stale');
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
  let since = null;
  let timer = null;
  function tell() {
    const p = document.createElement('p');
    const reload = document.createElement('a');
    p.className = 'note warn gap-below';
    reload.href = '';
    reload.textContent = 'Reload the page';
    p.append(`Not up to date since ${clock.format(since)}. `, reload, '.');
    note.replaceChildren(p);
    document.dispatchEvent(new CustomEvent('live:stale'));
  }
  document.addEventListener('htmx:sseError', (e) => {
    const over = e.detail.source.readyState === EventSource.CLOSED;
    if (note.hasChildNodes() || (timer && !over)) return;
    since ??= new Date();
    clearTimeout(timer);
    timer = setTimeout(tell, over ? 0 : patience);
  });
  for (const name of ['htmx:sseOpen', 'htmx:sseClose']) {
    document.addEventListener(name, () => {
      clearTimeout(timer);
      timer = null;
      since = null;
      note.replaceChildren();
    });
  }
})();

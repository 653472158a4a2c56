// A directory of events: todo/ has those that are noted, done/ says which are
// handled. A table in your database does the same; then write "done" in the
// transaction that does the work, and each event is handled exactly once.
//
// One process has a directory. Nothing is forgotten; what is older than any
// replay can be: find done -mtime +32 -delete
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

class Inbox {
  #dir;
  #handle;
  #wake = () => {};

  /** handle gets each event; one that it throws at is tried again later. */
  constructor(dir, handle) {
    this.#dir = dir;
    this.#handle = handle;
    for (const part of ["todo", "done"]) {
      fs.mkdirSync(path.join(dir, part), { recursive: true });
    }
  }

  /**
   * Notes an event, and returns when no crash can lose it any more. One that comes
   * again, also at the same moment, has the same name and is handled once.
   */
  async note(id, body) {
    const name = crypto.createHash("sha256").update(id).digest("hex");
    if (fs.existsSync(path.join(this.#dir, "done", name))) {
      return;
    }
    const draft = path.join(this.#dir, `draft-${crypto.randomUUID()}`);
    const file = await fs.promises.open(draft, "wx");
    try {
      await file.writeFile(body);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.promises.rename(draft, path.join(this.#dir, "todo", name));
    await this.#sync("todo"); // the name is the directory's
    this.#wake();
  }

  /** Handles what is noted, the oldest first, for as long as the process lives. */
  async run() {
    for (;;) {
      const woken = new Promise((resolve) => (this.#wake = resolve));
      for (const name of this.#todo()) {
        try {
          await this.#work(name);
        } catch (err) {
          console.error(`not handled (${name}), to be tried again:`, err);
        }
      }
      const timer = setTimeout(this.#wake, 60_000);
      await woken;
      clearTimeout(timer);
    }
  }

  async #work(name) {
    const [todo, done] = ["todo", "done"].map((part) => path.join(this.#dir, part, name));
    // It may have been noted once more while it was being handled.
    if (!fs.existsSync(done)) {
      await this.#handle(JSON.parse(fs.readFileSync(todo, "utf8")));
      fs.writeFileSync(done, "");
      await this.#sync("done"); // before the other one goes, or a power cut may leave neither
    }
    fs.rmSync(todo);
  }

  #todo() {
    const dir = path.join(this.#dir, "todo");
    const noted = fs.readdirSync(dir).map((name) => [fs.statSync(path.join(dir, name)).mtimeMs, name]);
    return noted.sort(([a], [b]) => a - b).map(([, name]) => name);
  }

  async #sync(part) {
    const dir = await fs.promises.open(path.join(this.#dir, part));
    try {
      await dir.sync();
    } finally {
      await dir.close();
    }
  }
}

module.exports = { Inbox };

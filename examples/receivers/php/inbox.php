<?php

declare(strict_types=1);

/**
 * A directory of events: todo/ has those that are noted, done/ says which are
 * handled. A table in your database does the same; then write "done" in the
 * transaction that does the work, and each event is handled exactly once.
 *
 * Nothing is forgotten; what is older than any replay can be:
 * find done -mtime +32 -delete
 */
final class Inbox
{
    public function __construct(private string $dir)
    {
        foreach (['todo', 'done'] as $part) {
            // Another process may be making it.
            if (!is_dir("$dir/$part") && !@mkdir("$dir/$part", 0700, true) && !is_dir("$dir/$part")) {
                throw new RuntimeException("$dir/$part can't be made");
            }
        }
    }

    /**
     * Notes an event, and returns when no crash can lose it any more. One that comes
     * again, also at the same moment, has the same name and is handled once.
     */
    public function note(string $id, string $body): void
    {
        $name = hash('sha256', $id);
        if (is_file("$this->dir/done/$name")) {
            return;
        }
        $draft = "$this->dir/draft-" . bin2hex(random_bytes(16));
        $file = fopen($draft, 'x');
        if ($file === false || fwrite($file, $body) !== strlen($body) || !fsync($file) || !fclose($file)) {
            throw new RuntimeException("$draft can't be written");
        }
        if (!rename($draft, "$this->dir/todo/$name")) {
            throw new RuntimeException("$draft can't be moved to todo");
        }
        $this->sync('todo'); // the name is the directory's
    }

    /**
     * Handles what is noted, the oldest first, as far as PHP tells: it knows a file's
     * time in seconds only. One that $handle throws at stays, to be tried again.
     */
    public function handleAll(callable $handle): void
    {
        foreach ($this->todo() as $name) {
            try {
                $this->work($name, $handle);
            } catch (Throwable $e) {
                error_log("not handled ($name), to be tried again: $e");
            }
        }
    }

    private function work(string $name, callable $handle): void
    {
        clearstatcache();
        // It may have been noted once more while it was being handled.
        if (!is_file("$this->dir/done/$name")) {
            $handle(json_decode((string) file_get_contents("$this->dir/todo/$name"), true, 512, JSON_THROW_ON_ERROR));
            if (!touch("$this->dir/done/$name")) {
                throw new RuntimeException("$this->dir/done can't be written");
            }
            $this->sync('done'); // before the other one goes, or a power cut may leave neither
        }
        unlink("$this->dir/todo/$name");
    }

    /** @return list<string> */
    private function todo(): array
    {
        clearstatcache();
        $noted = [];
        foreach (array_diff(scandir("$this->dir/todo"), ['.', '..']) as $name) {
            $noted[$name] = filemtime("$this->dir/todo/$name");
        }
        asort($noted);
        return array_map('strval', array_keys($noted));
    }

    private function sync(string $part): void
    {
        $dir = fopen("$this->dir/$part", 'r');
        if ($dir === false || !fsync($dir)) {
            throw new RuntimeException("$this->dir/$part can't be written to disk");
        }
    }
}

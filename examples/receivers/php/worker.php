<?php

// Handles the events that receiver.php notes, one after the other:
//
//   WEBHOOK_INBOX=/var/lib/webhooks php worker.php
//
// Have it started again when it ends, by systemd for one: what was noted
// meanwhile is handled then.

declare(strict_types=1);

require __DIR__ . '/inbox.php';

/** Does the work, and may take its time over it: the answer has been given. */
function handle(array $event): void
{
    usleep(1000 * (int) getenv('WORK_MS')); // your work
    echo "handled {$event['type']} {$event['id']}\n";
}

$dir = getenv('WEBHOOK_INBOX') ?: 'inbox';
$inbox = new Inbox($dir);
$lock = fopen("$dir/lock", 'c');
if ($lock === false || !flock($lock, LOCK_EX)) { // waits: two would handle each event twice
    fwrite(STDERR, "$dir/lock can't be locked\n");
    exit(1);
}
while (true) {
    $inbox->handleAll(handle(...));
    usleep(200_000);
}

<?php

// A receiver of Postrider's webhooks, as a router script:
//
//   WEBHOOK_SECRET=whsec_… WEBHOOK_SEEN=/var/lib/webhooks php -S 127.0.0.1:8000 receiver.php
//
// It needs nothing but PHP 8. In a framework take verified() and firstTime(),
// and make sure to verify the raw body, before anything parses it.

declare(strict_types=1);

/** Says whether Postrider signed exactly these bytes with this secret. */
function verified(string $body, string $signature, string $secret): bool
{
    // hash_equals takes the same time wherever the two differ, and any length.
    return $secret !== '' && hash_equals('sha256=' . hash_hmac('sha256', $body, $secret), $signature);
}

/**
 * Says whether this event is new, and remembers it. Delivery is at least once:
 * the same event may come again, also at the same moment. A unique column in
 * your database does the same, in the transaction that handles the event.
 */
function firstTime(string $id, string $seen): bool
{
    $file = @fopen($seen . '/' . hash('sha256', $id), 'x'); // fails if it exists
    if ($file === false) {
        if (is_dir($seen) && is_writable($seen)) {
            return false;
        }
        throw new RuntimeException("$seen can't be written"); // answered with a 500: it comes again
    }
    fwrite($file, $id . "\n");
    return fclose($file);
}

/** Does the work. Only note it here and do what takes long elsewhere: the answer is waited for. */
function handle(array $event): void
{
    error_log('handled ' . $event['type'] . ' ' . $event['id']);
}

function receive(): int
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    $body = (string) file_get_contents('php://input');
    // Missing headers are empty, and an empty signature matches nothing.
    if (!verified($body, $_SERVER['HTTP_X_WEBHOOK_SIGNATURE'] ?? '', (string) getenv('WEBHOOK_SECRET'))) {
        return 401;
    }
    $event = json_decode($body, true);
    $id = $_SERVER['HTTP_X_WEBHOOK_ID'] ?? '';
    // The header itself is not signed, but the id is in the body as well.
    if (!is_array($event) || $id === '' || ($event['id'] ?? null) !== $id) {
        return 400;
    }
    if (firstTime($id, (string) getenv('WEBHOOK_SEEN'))) {
        handle($event);
    }
    return 204;
}

http_response_code(receive());

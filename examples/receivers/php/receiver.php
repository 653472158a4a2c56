<?php

// A receiver of Postrider's webhooks, with nothing but PHP 8.1, as a page of any web
// server or, to try it, as a router script:
//
//   export WEBHOOK_SECRET=whsec_… WEBHOOK_INBOX=/var/lib/webhooks
//   php -S 127.0.0.1:4000 receiver.php &
//   php worker.php
//
// It verifies, notes the event and answers; worker.php handles it then. Under
// PHP-FPM give both variables to the pool: env[WEBHOOK_SECRET] = whsec_…

declare(strict_types=1);

require __DIR__ . '/verify.php';
require __DIR__ . '/inbox.php';

/** Returns the status to answer with. */
function receive(): int
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return 405;
    }
    $body = (string) file_get_contents('php://input'); // the bytes as they came
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? ''; // what X-Webhook-ID says, but signed
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    $signatures = $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '';
    $keys = parseSecrets((string) getenv('WEBHOOK_SECRET'));
    if (!verified($id, $timestamp, $signatures, $body, $keys, time())) {
        return 401;
    }
    (new Inbox(getenv('WEBHOOK_INBOX') ?: 'inbox'))->note($id, $body);
    return 204;
}

try {
    http_response_code(receive());
} catch (Throwable $e) {
    error_log((string) $e);
    http_response_code(500); // it comes again
}

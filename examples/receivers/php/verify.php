<?php

// Whether a request is Postrider's, by Standard Webhooks. Needs nothing but PHP 8.

declare(strict_types=1);

/** How old a request may be, and how far our clock may be behind, in seconds. */
const TOLERANCE = 300;

/**
 * The keys of WEBHOOK_SECRET: the endpoint's secret or, while it rotates, both
 * with a comma between them. Throws at anything else, so that a variable that is
 * not set lets nobody in.
 *
 * @return list<string>
 */
function parseSecrets(string $text): array
{
    return array_map(function (string $secret): string {
        if (preg_match('#^whsec_[A-Za-z0-9+/]{32,}={0,2}$#D', $secret) !== 1) {
            throw new InvalidArgumentException('WEBHOOK_SECRET must be "whsec_" and base64; several have commas between them');
        }
        return base64_decode(substr($secret, strlen('whsec_')));
    }, explode(',', $text));
}

/**
 * Says whether exactly these bytes were signed with one of the keys, in the last
 * five minutes. A header that is missing is given as ''.
 *
 * @param list<string> $keys
 */
function verified(string $id, string $timestamp, string $signatures, string $body, array $keys, int $now): bool
{
    if (preg_match('/^[A-Za-z0-9_-]+$/D', $id) !== 1 || preg_match('/^[0-9]{1,12}$/D', $timestamp) !== 1) {
        return false;
    }
    if (abs($now - (int) $timestamp) > TOLERANCE) {
        return false;
    }
    // A list with spaces in it: while a secret rotates there is a signature by each.
    // Repeated headers have been joined with a comma.
    $given = preg_split('/,?\s+/', $signatures);
    foreach ($keys as $key) {
        $want = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
        foreach ($given as $signature) {
            // In a time that does not tell where the two differ, and whatever their lengths.
            if (hash_equals($want, $signature)) {
                return true;
            }
        }
    }
    return false;
}

<?php

// dispatch($type, $payload), by POSTRIDER_URL and POSTRIDER_KEY:
//
//   require 'postrider/dispatch.php';
//   dispatch('post.created', ['id' => 123, 'title' => 'My Blog Post']);

declare(strict_types=1);

require_once __DIR__ . '/Answer.php';
require_once __DIR__ . '/DispatchException.php';
require_once __DIR__ . '/Client.php';

/**
 * Publishes an event: see Postrider\Client::dispatch.
 *
 * @param array<string, mixed>|object $payload
 * @return array{id: string, type: string, created_at: string, deliveries: int}
 * @throws Postrider\DispatchException
 */
function dispatch(string $type, array|object $payload, ?string $id = null): array
{
    static $client = null;
    $client ??= Postrider\Client::fromEnvironment();
    return $client->dispatch($type, $payload, $id);
}

<?php

// Publishes one event:
//
//   export POSTRIDER_URL=http://127.0.0.1:8080 POSTRIDER_KEY=pr_…
//   php publish.php post.created '{"id":123,"title":"My Blog Post"}' post-123-created

declare(strict_types=1);

require __DIR__ . '/dispatch.php';

if ($argc < 3) {
    fwrite(STDERR, "usage: php publish.php TYPE PAYLOAD [ID]\n");
    exit(2);
}
try {
    // Objects stay objects: as an array, {} and [] would be the same.
    $payload = json_decode($argv[2], false, 512, JSON_THROW_ON_ERROR);
    if (!is_object($payload)) {
        throw new JsonException('a JSON object is needed');
    }
    $accepted = dispatch($argv[1], $payload, $argv[3] ?? null);
    echo "{$accepted['id']} goes to {$accepted['deliveries']} endpoints\n";
} catch (JsonException $e) {
    fwrite(STDERR, "the payload: {$e->getMessage()}\n");
    exit(2);
} catch (Postrider\DispatchException $e) {
    fwrite(STDERR, "not accepted ({$e->getMessage()})\n");
    foreach ($e->errors as $error) {
        fwrite(STDERR, "  {$error['pointer']}: {$error['detail']}\n");
    }
    fwrite(STDERR, "publish it again under the id $e->eventId\n");
    exit(1);
}

<?php

declare(strict_types=1);

namespace Postrider;

/**
 * Publishes events, with nothing but PHP 8.1 and its standard extensions.
 *
 * An event is accepted once, however often it is tried: its id is made before the
 * first try and is the same in each.
 */
final class Client
{
    /** The longest Retry-After that is waited for, in seconds. */
    public const MAX_RETRY_AFTER = 30;

    /**
     * @param string $key     a workspace's key, with the scope events:write
     * @param float  $timeout seconds that a try waits for the connection, and then for
     *                        each part of the answer
     * @param int    $retries more tries after the first
     */
    public function __construct(
        private string $url,
        #[\SensitiveParameter] private string $key,
        private float $timeout = 10.0,
        private int $retries = 3,
    ) {
        if (preg_match('#^https?://#', $url) !== 1 || $key === '') {
            throw new \InvalidArgumentException('a client needs a URL that begins with http:// or https://, and a key');
        }
    }

    /** A client by POSTRIDER_URL and POSTRIDER_KEY. */
    public static function fromEnvironment(): self
    {
        return new self((string) getenv('POSTRIDER_URL'), (string) getenv('POSTRIDER_KEY'));
    }

    /**
     * Publishes an event. When it returns, the event is stored and will be delivered.
     *
     * @param array<string, mixed>|object $payload a JSON object
     * @param ?string $id the event's own id: 1 to 128 of A-Za-z0-9_-. Give one that follows
     *                    from what happened ("order-1234-paid"), and the event is accepted
     *                    once even if this process dies before the answer
     * @return array{id: string, type: string, created_at: string, deliveries: int}
     * @throws DispatchException if it was refused or, after all tries, is not known to be stored
     */
    public function dispatch(string $type, array|object $payload, ?string $id = null): array
    {
        $id ??= 'evt_' . bin2hex(random_bytes(16)); // once, before the first try
        $data = $payload === [] ? new \stdClass() : $payload; // [] alone would be a list
        $body = json_encode(
            ['type' => $type, 'data' => $data, 'id' => $id],
            JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION,
        );
        for ($try = 0; ; $try++) {
            $answer = Answer::to('POST', rtrim($this->url, '/') . '/v1/events', $this->key, $body, $this->timeout);
            if ($answer->isAccepted()) {
                return $answer->json();
            }
            $wait = $answer->retryAfter() ?? self::pause($try);
            if ($try >= $this->retries || !$answer->mayBeTriedAgain() || $wait > self::MAX_RETRY_AFTER) {
                throw DispatchException::of($answer, $id);
            }
            usleep((int) ($wait * 1_000_000));
        }
    }

    /** Seconds before the next try: 0.1 to 0.2, then twice as long, up to 10. */
    private static function pause(int $try): float
    {
        return min(10.0, 0.1 * 2 ** $try * (1 + random_int(0, 1000) / 1000));
    }

    /** A client that is printed shows no key. */
    public function __debugInfo(): array
    {
        return ['url' => $this->url];
    }
}

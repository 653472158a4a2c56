<?php

declare(strict_types=1);

namespace Postrider;

/** What came back to one try; its status is 0 where nothing did. */
final class Answer
{
    /** @param list<string> $headers */
    private function __construct(
        public readonly int $status,
        private array $headers,
        private string $body,
        public readonly string $failure,
    ) {
    }

    public static function to(string $method, string $url, #[\SensitiveParameter] string $key, string $body, float $timeout): self
    {
        $context = stream_context_create(['http' => [
            'method' => $method,
            'header' => ["Authorization: Bearer $key", 'Content-Type: application/json', 'User-Agent: postrider-php'],
            'content' => $body,
            'timeout' => $timeout,
            'ignore_errors' => true, // the body of a 4xx says what is wrong
            'follow_location' => 0, // the key is for nobody else
            'protocol_version' => 1.1,
        ]]);
        error_clear_last();
        $stream = @fopen($url, 'r', false, $context);
        if ($stream === false) {
            return new self(0, [], '', error_get_last()['message'] ?? 'no answer');
        }
        stream_set_timeout($stream, (int) $timeout, (int) (fmod($timeout, 1) * 1_000_000));
        $headers = stream_get_meta_data($stream)['wrapper_data'] ?? [];
        $read = stream_get_contents($stream);
        $cutOff = stream_get_meta_data($stream)['timed_out'];
        fclose($stream);
        if ($read === false || $cutOff || preg_match('#^HTTP/\S+ (\d{3})#', $headers[0] ?? '', $m) !== 1) {
            return new self(0, [], '', 'the answer did not come whole');
        }
        return new self((int) $m[1], $headers, $read, '');
    }

    /** 202 or, for an id that was there already, 200. */
    public function isAccepted(): bool
    {
        return ($this->status === 202 || $this->status === 200) && isset($this->json()['id']);
    }

    public function mayBeTriedAgain(): bool
    {
        // A 2xx that is no answer of Postrider's was cut off: the id makes asking again harmless.
        return in_array($this->status, [0, 200, 202, 429, 502, 503, 504], true);
    }

    /** Seconds, or null where none were asked for. */
    public function retryAfter(): ?float
    {
        foreach ($this->headers as $header) {
            if (preg_match('/^Retry-After:\s*(.+)$/i', $header, $m) !== 1) {
                continue;
            }
            $value = trim($m[1]);
            $date = strtotime($value);
            return match (true) {
                ctype_digit($value) => (float) $value,
                $date !== false => (float) max(0, $date - time()),
                default => null,
            };
        }
        return null;
    }

    /** @return array<string, mixed> empty where the body is no JSON object */
    public function json(): array
    {
        $value = json_decode($this->body, true);
        return is_array($value) ? $value : [];
    }
}

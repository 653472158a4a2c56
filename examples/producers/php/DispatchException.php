<?php

declare(strict_types=1);

namespace Postrider;

/**
 * An event was not accepted, or it is not known to be. Publish it again under $eventId:
 * it is accepted once.
 */
final class DispatchException extends \RuntimeException
{
    /**
     * @param string $code    getCode(): Postrider's stable code ("invalid", "unauthorized" …),
     *                        or "unreachable" where no answer of Postrider's came
     * @param int    $status  the HTTP status, 0 for none
     * @param list<array{pointer: string, detail: string}> $errors which fields are wrong
     */
    private function __construct(
        string $message,
        string $code,
        public readonly int $status,
        public readonly string $eventId,
        public readonly ?string $requestId,
        public readonly array $errors,
    ) {
        parent::__construct($message);
        $this->code = $code;
    }

    public static function of(Answer $answer, string $eventId): self
    {
        $problem = $answer->json();
        $code = is_string($problem['code'] ?? null) ? $problem['code'] : 'unreachable';
        $detail = $problem['detail'] ?? ($answer->failure !== '' ? $answer->failure : "HTTP status $answer->status");
        return new self("$code: $detail", $code, $answer->status, $eventId, $problem['request_id'] ?? null, $problem['errors'] ?? []);
    }
}

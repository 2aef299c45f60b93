<?php
// A small HTTP API behind Symfony's RateLimiter, set up and telling its limit as its documentation does.
//
// `go run ./bench real` drives it through the gateway. Every answer is noted in a file, so that what was accepted and refused is
// the server's own word: when it was given in seconds since 1970, what it took in seconds, its status, and the webhook's id
// ("-": none).
//
//     LOG=access.log DIR=/tmp/limit POLICY=fixed_window LIMIT=100 INTERVAL="10 seconds" php -S 127.0.0.1:9000 index.php
//
// X-RateLimit-Limit and -Remaining, and X-RateLimit-Retry-After in epoch seconds: of an accepted call now, of a refused one when
// there is room again. Windows begin with a caller's first call; token_bucket puts a whole interval's tokens back at once.

require '/usr/share/php/Symfony/Component/RateLimiter/autoload.php';
require '/usr/share/php/Symfony/Component/Cache/autoload.php';

use Symfony\Component\Cache\Adapter\FilesystemAdapter;
use Symfony\Component\RateLimiter\RateLimiterFactory;
use Symfony\Component\RateLimiter\Storage\CacheStorage;

$began = microtime(true);
$amount = (int) getenv('LIMIT');
$config = ['id' => 'api', 'policy' => getenv('POLICY'), 'limit' => $amount, 'interval' => getenv('INTERVAL')];
if ('token_bucket' === $config['policy']) {
    unset($config['interval']);
    $config['rate'] = ['interval' => getenv('INTERVAL'), 'amount' => $amount];
}
$factory = new RateLimiterFactory($config, new CacheStorage(new FilesystemAdapter('', 0, getenv('DIR'))));
$alone = fopen(getenv('DIR').'/lock', 'c'); // as Symfony's own LockFactory would have it
flock($alone, LOCK_EX);
$limit = $factory->create($_SERVER['REMOTE_ADDR'])->consume();
flock($alone, LOCK_UN);

$status = $limit->isAccepted() ? 200 : 429;
http_response_code($status);
header('X-RateLimit-Remaining: '.$limit->getRemainingTokens());
header('X-RateLimit-Retry-After: '.$limit->getRetryAfter()->getTimestamp());
header('X-RateLimit-Limit: '.$limit->getLimit());
echo "ok\n";

$now = microtime(true);
$line = sprintf("%.6f %.6f %d %s\n", $now, $now - $began, $status, $_SERVER['HTTP_WEBHOOK_ID'] ?? '-');
file_put_contents(getenv('LOG'), $line, FILE_APPEND);

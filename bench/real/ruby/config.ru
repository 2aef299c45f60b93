# A small HTTP API behind rack-attack, set up as its README does, in memory.
#
# `go run ./bench real` drives it through the gateway. Every answer is noted in a file, so that what was accepted and refused is
# the server's own word: when it was given in seconds since 1970, what it took in seconds, its status, and the webhook's id
# ("-": none).
#
#     LOG=access.log LIMIT=100 PERIOD=10 TELLS=nothing puma --bind tcp://127.0.0.1:9000 config.ru
#
# Windows are aligned to the clock. By default it says nothing but 429. With TELLS=limit refusals tell RateLimit-* by the
# responder that the README has, with the reset in epoch seconds; accepted calls tell nothing.

require 'active_support'
require 'active_support/cache'
require 'active_support/notifications'
require 'rack/attack'

# Note writes down every answer.
class Note
  def initialize(app)
    @app = app
    @log = File.open(ENV.fetch('LOG'), 'a')
    @log.sync = true
  end

  def call(env)
    began = Time.now.to_f
    status, headers, body = @app.call(env)
    now = Time.now.to_f
    @log.write(format("%.6f %.6f %d %s\n", now, now - began, status, env['HTTP_WEBHOOK_ID'] || '-'))
    [status, headers, body]
  end
end

Rack::Attack.cache.store = ActiveSupport::Cache::MemoryStore.new
Rack::Attack.throttle('requests by ip', limit: Integer(ENV.fetch('LIMIT')), period: Integer(ENV.fetch('PERIOD')), &:ip)
if ENV['TELLS'] == 'limit'
  Rack::Attack.throttled_responder = lambda do |request|
    match = request.env['rack.attack.match_data']
    now = match[:epoch_time]
    [429, {
      'RateLimit-Limit' => match[:limit].to_s,
      'RateLimit-Remaining' => '0',
      'RateLimit-Reset' => (now + match[:period] - now % match[:period]).to_s
    }, ["Throttled\n"]]
  end
end

use Note
use Rack::Attack
run ->(_env) { [200, { 'content-type' => 'text/plain' }, ["ok\n"]] }

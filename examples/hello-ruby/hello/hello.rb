# Greets whoever the event names. It speaks the Runtime API by itself and needs
# Ruby only; with the gem aws_lambda_ric, only `handler` would stand here.

require "json"
require "net/http"

ANSWERED_BY = "the deployed code"

def handler(event:, request_id:)
  name = event.fetch("name", "world")
  puts "greeting #{name}"
  {
    message: "#{ENV.fetch("GREETING", "Hi")}, #{name}!",
    answered_by: ANSWERED_BY,
    request_id: request_id
  }
end

$stdout.sync = true
host, port = ENV.fetch("AWS_LAMBDA_RUNTIME_API").split(":")
INVOCATION = "/2018-06-01/runtime/invocation"

# An event is waited for as long as it takes.
Net::HTTP.start(host, port.to_i, nil, read_timeout: nil) do |http|
  loop do
    following = http.get("#{INVOCATION}/next")
    request_id = following["Lambda-Runtime-Aws-Request-Id"]
    begin
      verb = "response"
      answer = handler(event: JSON.parse(following.body), request_id: request_id)
    rescue StandardError => error
      verb = "error"
      answer = { errorType: error.class.name, errorMessage: error.message, stackTrace: error.backtrace }
    end
    http.post("#{INVOCATION}/#{request_id}/#{verb}", JSON.generate(answer))
  end
end

"""A handler that streams its answer, in a language whose client cannot: past the client, by hand."""

# What the event says: a list of parts. A part that is a list is a file to wait for; one that is
# an object is the error that the stream ends with.
STREAMER = '''
import base64, json, os, pathlib, socket, time

def handler(event, context):
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].rpartition(":")
    api = socket.create_connection((host, int(port)))
    head = "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\\r\\nHost: x\\r\\n" % context.aws_request_id
    head += "Transfer-Encoding: chunked\\r\\nContent-Type: %s\\r\\n" % event.get("type", "text/plain")
    head += "Lambda-Runtime-Function-Response-Mode: %s\\r\\n" % event.get("mode", "streaming")
    api.sendall((head + "\\r\\n").encode())
    trailers = ""
    for part in event["parts"]:
        if isinstance(part, list):
            while not pathlib.Path(part[0]).exists():
                time.sleep(0.005)
        elif isinstance(part, dict):
            body = base64.b64encode(json.dumps(part).encode()).decode()
            trailers = "Lambda-Runtime-Function-Error-Type: %s\\r\\n" % part["errorType"]
            trailers += "Lambda-Runtime-Function-Error-Body: %s\\r\\n" % body
        elif part == "die":
            os._exit(3)
        else:
            data = part.encode("latin-1")
            api.sendall(b"%x\\r\\n%s\\r\\n" % (len(data), data))
    api.sendall(("0\\r\\n" + trailers + "\\r\\n").encode())
    print("told", api.recv(65536).split(b" ")[1].decode())
'''

"""A server that imports the handler and calls it: no isolation, no Lambda."""

import sys

import flask
from werkzeug.serving import WSGIRequestHandler, run_simple

from app import handler

app = flask.Flask(__name__)


@app.get("/hello")
def hello():
    request = flask.request
    answer = handler({"rawPath": request.path, "headers": dict(request.headers)}, None)
    return answer["body"], answer["statusCode"], answer["headers"]


class Silent(WSGIRequestHandler):
    def log_request(self, *_):
        pass


run_simple("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=Silent)

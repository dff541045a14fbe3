"""What the real binary sends to a real receiver, judged by other people's programs.

    judge.py RINGBACK events|signatures|hub|openapi|reactor|hal|stream...

Nothing here knows how ringback writes a body or a signature. Each wait is for a condition, with a limit.
"""

import base64
import hashlib
import json
import os
import pathlib
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIMIT_S = 60


class Receiver:
    """Takes every POST and keeps it, by the path of its URL."""

    def __init__(self):
        self.calls = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.of(self.path).put((dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, path):
        return self.calls.setdefault(path, queue.Queue())

    def next(self, path):
        """The next request there: its headers and its body."""
        return self.of(path).get(timeout=LIMIT_S)

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"


class Ringback:
    """A daemon over a directory of its own, with one rule file."""

    def __init__(self, binary, directory, rules, listen="127.0.0.1:0", config=None):
        self.binary, self.state, self.listen = binary, directory / "state", listen
        self.media, self.rule_files = directory / "media", directory / "rules"
        self.media.mkdir()
        self.rule_files.mkdir()
        (self.rule_files / "judges.toml").write_text(rules)
        self.what = [self.media]
        if config is not None:
            self.what = ["--config", directory / "ringback.toml"]
            self.what[1].write_text(config)
        self.start()

    def start(self):
        arguments = ["serve", *self.what, "--rules", self.rule_files, "--state", self.state, "--listen", self.listen]
        binary = self.binary
        self.process = subprocess.Popen([binary, *arguments, "--log", "json"], stderr=subprocess.PIPE, text=True)
        self.log = []
        serves = threading.Event()

        def read():
            for line in self.process.stderr:
                self.log.append(line)
                if "ringback serves" in line:
                    serves.set()

        threading.Thread(target=read, daemon=True).start()
        if not serves.wait(LIMIT_S):
            self.process.kill()
            sys.exit("ringback does not serve:\n" + "".join(self.log))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(LIMIT_S) == 0, "".join(self.log)

    def url(self):
        # The first line: of a daemon with TLS there is a second one.
        return (self.state / "address").read_text().splitlines()[0]

    def token(self):
        return (self.state / "token").read_text().strip()

    def ask(self, method, path, body=None, media="application/json"):
        """Asks the API: the status, the headers, and what the body is as JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url() + path, data, {"Content-Type": media}, method=method)
        request.add_header("Authorization", f"Bearer {self.token()}")
        try:
            answer = urllib.request.urlopen(request, timeout=LIMIT_S)
        except urllib.error.HTTPError as refused:
            answer = refused
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if text else None

    def kill(self):
        """As a machine that fails would."""
        self.process.kill()
        self.process.wait(LIMIT_S)

    def write(self, name, data=b"x"):
        """Writes a file whose name is bytes; returns its logical path."""
        with open(os.fsencode(self.media) + b"/" + name, "wb") as file:
            file.write(data)
        return b"/" + name


def subscription(name, callback, *lines):
    head = ["[[subscription]]", f'name = "{name}"', f'callback = "{callback}"', 'watchPath = ["* /"]']
    return "\n".join([*head, *lines, "", ""])


# Names that a careless encoder breaks on.
NAMES = [
    b"plain.mov",
    b"a b%20+&?#.mov",
    "caf\u00e9 \U0001f3ac \u2028.mov".encode(),
    b"caf\xe9.mov",
    b'quote"d\\.mov',
    b"bell\x07 line\n\x1b[2J.mov",
]
FIELDS = ["metadata", "changed", "size", "mtime", "previousPath", "seq", "pathBase64"]


def check_event(event, body, began):
    """What the SDK made of an event, against what is behind it; returns type and path."""
    data = event.get_data()
    path = base64.b64decode(data["pathBase64"], validate=True)
    node = event.get_source().removeprefix("/ringback/")
    assert event.get_specversion() == "1.0", body
    assert len(node) == 16 and int(node, 16) >= 0, body
    assert event.get_id() == f"{node}-{data['seq']}", body
    assert event.get_datacontenttype() == "application/json", body
    assert urllib.parse.unquote_to_bytes(event.get_subject()) == path, body
    assert began - timedelta(seconds=1) <= event.get_time() <= datetime.now(timezone.utc), body
    assert event.get_time().utcoffset() == timedelta(0), body
    assert data["path"] == path.decode("utf-8", "replace"), body
    # Nothing that the specification does not have.
    known = {"specversion", "type", "source", "id", "time", "subject", "datacontenttype"}
    assert set(event.get_attributes()) == known, body
    assert isinstance(data["metadata"], dict) and isinstance(data["changed"], dict), body
    action = {"none": "metadata"}.get(data["action"], data["action"])
    assert event.get_type() == f"asset.{action}", body
    return event.get_type(), path, event.get_id()


def judge_events(binary, directory):
    """Both modes of CloudEvents, parsed by the SDK."""
    from cloudevents.core.bindings.http import HTTPMessage, from_http_event
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.v1.http import from_http as from_http_v1

    receiver, began = Receiver(), datetime.now(timezone.utc)
    fields = "fields = " + json.dumps(FIELDS)
    rules = subscription("structured", receiver.url("/structured"), 'format = "cloudevents"', fields)
    batched = ['format = "cloudevents-batch"', 'linger = "1s"', fields]
    rules += subscription("batch", receiver.url("/batch"), *batched)

    def structured():
        headers, body = receiver.next("/structured")
        assert headers["content-type"] == "application/cloudevents+json; charset=utf-8", headers
        old = from_http_v1(headers, body)
        event = from_http_event(HTTPMessage(headers=headers, body=body))
        assert old["id"] == event.get_id() and old.data == event.get_data(), body
        return [check_event(event, body, began)]

    def batch():
        headers, body = receiver.next("/batch")
        assert headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8", headers
        # The SDK has no reader of batches: a batch is an array of events (JSON event format, section 4).
        events = json.loads(body)
        assert isinstance(events, list) and events, body
        return [check_event(JSONFormat().read(None, json.dumps(event)), body, began) for event in events]

    with Ringback(binary, directory, rules) as ringback:
        for event_type in ["asset.added", "asset.modified", "asset.deleted"]:
            paths = set()
            for name in NAMES:
                if event_type == "asset.deleted":
                    os.unlink(os.fsencode(ringback.media) + b"/" + name)
                    paths.add(b"/" + name)
                else:
                    paths.add(ringback.write(name, event_type.encode()))
            expect = {(event_type, path) for path in paths}
            ids = {}
            for mode, receive in [("structured", structured), ("batch", batch)]:
                told, sizes = [], []
                while len(told) < len(expect):
                    events = receive()
                    told, sizes = told + events, [*sizes, len(events)]
                assert len(told) == len(expect), (mode, told)
                assert {event[:2] for event in told} == expect, (mode, told)
                assert mode == "structured" or max(sizes) > 1, f"no batch of several: {sizes}"
                ids[mode] = {event[2] for event in told}
            assert len(ids["structured"]) == len(expect) and ids["structured"] == ids["batch"], ids
            print(f"cloudevents: {event_type} of {len(expect)} names, structured and batched")


def judge_signatures(binary, directory):
    """Signatures over a rotation: the old secret, both, the new one."""
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError

    old, new, other = (f"whsec_{base64.b64encode(os.urandom(32)).decode()}" for _ in range(3))
    secret = directory / "secret"
    receiver = Receiver()
    rules = subscription("signed", receiver.url("/signed"), f'secret = "file:{secret}"', 'format = "cloudevents"')
    number = 0

    def put(text):
        (directory / "secret.new").write_text(text)
        (directory / "secret.new").rename(secret)

    def verified_by(ringback):
        """Which secrets verify the delivery of one more file."""
        nonlocal number
        number += 1
        # A name beyond ASCII: the signature is of bytes.
        ringback.write(f"caf\u00e9-{number}.mov".encode())
        headers, body = receiver.next("/signed")
        found = set()
        for name, value in [("old", old), ("new", new), ("other", other)]:
            try:
                assert Webhook(value).verify(body, headers) == json.loads(body)
                found.add(name)
            except WebhookVerificationError:
                pass
        tampered = body.replace(b"caf", b"cab")
        assert tampered != body
        try:
            Webhook(old if "old" in found else new).verify(tampered, headers)
            sys.exit("a body that was tampered with is verified: this judge proves nothing")
        except WebhookVerificationError:
            return found

    put(f"{old}\n")
    with Ringback(binary, directory, rules) as ringback:
        assert verified_by(ringback) == {"old"}
        for text, before, after in [(f"{new} {old}\n", {"old"}, {"old", "new"}), (f"{new}\n", {"old", "new"}, {"new"})]:
            put(text)
            deadline = time.monotonic() + LIMIT_S
            found = verified_by(ringback)
            while found != after:
                assert found == before, f"{found} in the middle of a rotation from {before} to {after}"
                assert time.monotonic() < deadline, f"the secret file is not picked up: still {found}"
                found = verified_by(ringback)
            print(f"standardwebhooks: verified by {', '.join(sorted(after))}")


def judge_hub(binary, directory):
    """X-Hub-Signature-256, verified by Debian's webhook, which runs a command when it is right."""
    key = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
    secret, ran, command = directory / "secret", directory / "ran", directory / "command"
    secret.write_text(key)
    command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{ran}"\n')
    command.chmod(0o755)
    signature = {"source": "header", "name": "X-Hub-Signature-256"}
    hook = {
        "id": "ringback",
        "execute-command": str(command),
        "include-command-output-in-response": True,
        "pass-arguments-to-command": [{"source": "payload", "name": "data.path"}],
        "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": key, "parameter": signature}},
    }
    hooks = directory / "hooks.json"
    hooks.write_text(json.dumps([hook]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/hooks/ringback"
    webhook = subprocess.Popen(["webhook", "-ip", "127.0.0.1", "-port", str(port), "-hooks", str(hooks)])

    def status_of(signature):
        request = urllib.request.Request(url, b'{"data":{"path":"/forged"}}', {"X-Hub-Signature-256": signature})
        request.add_header("Content-Type", "application/json")
        try:
            return urllib.request.urlopen(request, timeout=LIMIT_S).status
        except urllib.error.HTTPError as refused:
            return refused.code

    def wait(what, condition):
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.02)

    def answers():
        try:
            # That is how 2.8 answers a signature that is not the body's.
            return status_of("sha256=" + "0" * 64) == 500
        except urllib.error.URLError:
            return False

    try:
        wait("webhook does not answer, or takes a forged signature", answers)
        assert not ran.exists(), "it ran for a forged signature"
        rules = subscription("hub", url, f'secret = "file:{secret}"', "hubSignature = true", 'format = "cloudevents"')
        with Ringback(binary, directory, rules) as ringback:
            names = [b"one.mov", "caf\u00e9 two.mov".encode()]
            for name in names:
                ringback.write(name)
            expect = {f"/{name.decode()}" for name in names}
            wait("webhook does not run", lambda: ran.exists() and set(ran.read_text().splitlines()) == expect)
            print(f"webhook: ran for {len(expect)} deliveries and for no forged one")
    finally:
        webhook.terminate()
        webhook.wait(LIMIT_S)


# Whether a body makes sense is more than a schema can say, so what is well-formed may be refused. Who may call what is
# not asked: after five wrong credentials a second the answer is 429, and not the 401 that the check expects.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
]


def judge_openapi(binary, directory):
    """Every endpoint of /openapi.json, called with what schemathesis makes up, against what the document says."""
    receiver = Receiver()
    rules = subscription("accepted", receiver.url("/accepted"))
    rules += subscription("dead", "http://127.0.0.1:1/refused", "retryCount = 0")
    with Ringback(binary, directory, rules) as ringback:
        for name in NAMES:
            ringback.write(name)
        receiver.next("/accepted")
        arguments = ["run", f"{ringback.url()}/openapi.json", "--header", f"Authorization: Bearer {ringback.token()}"]
        arguments += ["--checks", ",".join(CHECKS), "--max-examples", "60", "--seed", "1", "--no-color"]
        schemathesis = pathlib.Path(sys.executable).with_name("schemathesis")
        judged = subprocess.run([schemathesis, *arguments], cwd=directory, text=True, capture_output=True)
        assert judged.returncode == 0, judged.stdout + judged.stderr
        said = [line.strip() for line in judged.stdout.splitlines()]
        numbers = [line for line in said if line.startswith("Tested:") or " generated, " in line]
        assert len(numbers) == 2, judged.stdout
        print(f"schemathesis: {', '.join(numbers)}")


def judge_stream(binary, directory):
    """A stream of changes, followed by npm's eventsource while the daemon is killed and started again: nothing is
    missing, and nothing comes twice."""
    here, port = pathlib.Path(__file__).parent, free_port()
    address = f"127.0.0.1:{port}"
    with Ringback(binary, directory, subscription("none", "http://127.0.0.1:9/", "paused = true"), address) as ringback:
        url = f"http://{address}/v1/changes?action=added"
        command = ["node", here / "stream.cjs", os.environ["NODE_MODULES"], url, ringback.token()]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        lines = queue.Queue()

        def read():
            for line in client.stdout:
                lines.put(line.split())

        threading.Thread(target=read, daemon=True).start()
        try:
            assert lines.get(timeout=LIMIT_S) == ["open"]
            heard, wanted = [], set()
            for life in range(5):
                for number in range(40):
                    # The last ones of a life are told to nobody but the journal.
                    wanted.add(ringback.write(f"{life}-{number}".encode()).decode())
                    if number == 30:
                        while not any(path == f"/{life}-30" for _, _, path in heard):
                            heard += [line for line in [lines.get(timeout=LIMIT_S)] if line != ["open"]]
                        ringback.kill()
                ringback.start()
            while {path for _, _, path in heard} != wanted:
                heard += [line for line in [lines.get(timeout=LIMIT_S)] if line != ["open"]]
            seqs = [int(seq) for _, seq, _ in heard]
            assert all(last == seq for last, seq, _ in heard), heard
            assert seqs == sorted(set(seqs)), "in order, and each once"
            assert len(heard) == len(wanted), "no file twice"
        finally:
            client.kill()


ACME = """
[[tenant]]
name = "acme"
[[mount]]
path = "/acme"
dir = "media"
tenant = "acme"
"""


def judge_reactor(binary, directory):
    """launchpy reads the audit events of reactor, page by page; npm's jsonapi-validator holds every kind of answer
    against a schema of JSON:API."""
    # A module of it that is not asked for is written for a later Python than it says.
    sys.modules["launchpy.synchronizer"] = types.SimpleNamespace(Synchronizer=None)
    from launchpy import admin
    from launchpy import config as launchpy

    event = """
[[event]]
name = "scanned"
watchMetadata = ["scan==*"]
"""
    with Ringback(binary, directory, event, config=ACME) as ringback:
        media = "application/vnd.api+json"
        documents = []

        def ask(status, method, path, body=None):
            found, headers, document = ringback.ask(method, path, body, media)
            assert found == status, (method, path, found, document)
            if document is not None:
                assert headers["content-type"].startswith(media), (path, headers["content-type"])
                documents.append({"of": f"{method} {path} {status}", "document": document})
            return document

        def reports(numbers):
            records = [{"event": "build.created", "tenant": "acme", "displayName": f"Build {number}",
                        "entity": {"data": {"id": f"BL{number}", "type": "builds"}}} for number in numbers]
            found, _, said = ringback.ask("POST", "/v1/records", records)
            assert found == 202, said

        status, _, rules = ringback.ask("GET", "/v1/status")
        assert status == 200, rules
        property_id = "PR" + hashlib.sha256(b"property:acme").hexdigest()[:32]
        ask(200, "GET", f"/properties/{property_id}")
        attributes = {"url": "https://www.example.com", "subscriptions": ["rule.created", "scanned"]}
        created = ask(201, "POST", f"/properties/{property_id}/callbacks", {"data": {"attributes": attributes}})
        callback = created["data"]["id"]
        ask(200, "GET", f"/callbacks/{callback}")
        ask(200, "GET", f"/properties/{property_id}/callbacks")
        ask(200, "GET", f"/callbacks/{callback}/property")
        patch = {"data": {"id": callback, "type": "callbacks", "attributes": {"subscriptions": ["build.created"]}}}
        ask(200, "PATCH", f"/callbacks/{callback}", patch)
        for status, method, path, body in [
            (404, "GET", "/callbacks/CB00000000000000000000000000000000", None),
            (404, "GET", "/properties/PR00000000000000000000000000000000", None),
            (422, "POST", f"/properties/{property_id}/callbacks", {"data": {"attributes": {"url": "no URL"}}}),
            (422, "PATCH", f"/callbacks/{callback}", {"data": {"attributes": {"subscriptions": ["no.such"]}}}),
        ]:
            ask(status, method, path, body)
        reports(range(120))
        first = ask(200, "GET", "/audit_events?page%5Bsize%5D=25&page%5Bnumber%5D=1")
        ask(200, "GET", f"/audit_events/{first['data'][0]['id']}")
        ask(204, "DELETE", f"/callbacks/{callback}")

        launchpy.endpoints["global"] = ringback.url()
        token = ringback.token()
        launchpy.config_objects["org"] = {"org_id": "acme@ringback", "token": token, "date_limit": time.time() + 3_600}
        launchpy.headers["org"] = {
            "Accept": "application/vnd.api+json;revision=1",
            "Authorization": f"Bearer {token}",
            "Content-Type": media,
            "x-api-key": "key",
            "x-gw-ims-org-id": "acme@ringback",
        }
        read = admin.Admin().getAuditEvents(page_size=50, nb_page=3)
        builds = [it["attributes"]["entity"] for it in read if it["attributes"]["type_of"] == "build.created"]
        assert len(builds) == 120, f"launchpy reads {len(builds)} of 120 builds in {len(read)} events"
        assert len({it["id"] for it in read}) == len(read), "an event comes twice"
        print(f"launchpy: {len(read)} audit events in pages of 50")
        judged = node("jsonapi.cjs", json.dumps(documents))
        assert judged.returncode == 0, judged.stdout + judged.stderr
        print(f"jsonapi-validator: {len(documents)} documents")


def judge_hal(binary, directory):
    """npm's ketting and halfred follow the links of hal, from what is begun to its result."""
    with Ringback(binary, directory, "", config=ACME) as ringback:
        ringback.write(b"a.mov")
        judged = node("hal.cjs", "", ringback.url(), ringback.token())
        assert judged.returncode == 0, judged.stdout + judged.stderr
        print(judged.stdout.strip())


def node(script, text, *arguments):
    command = ["node", pathlib.Path(__file__).parent / script, os.environ["NODE_MODULES"], *arguments]
    return subprocess.run(command, input=text, text=True, capture_output=True, timeout=LIMIT_S)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


JUDGES = {
    "events": judge_events,
    "signatures": judge_signatures,
    "hub": judge_hub,
    "openapi": judge_openapi,
    "reactor": judge_reactor,
    "hal": judge_hal,
    "stream": judge_stream,
}


def main():
    binary, *names = sys.argv[1:]
    assert names and set(names) <= set(JUDGES), __doc__
    for name in names:
        with tempfile.TemporaryDirectory() as directory:
            JUDGES[name](pathlib.Path(binary).resolve(), pathlib.Path(directory))
    print("all agree")


main()

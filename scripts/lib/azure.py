"""Creates the container `builds` in the Azurite on PORT of this machine, with the account and the key in
AZURITE_ACCOUNTS (`ACCOUNT:KEY`), and prints connection strings as JSON: of one who may read and write, of one who
may read, and with a wrong key.

    AZURITE_ACCOUNTS=test:a2V5 python3 azure.py PORT
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import sys
import urllib.parse

VERSION = "2021-08-06"
CONTAINER = "builds"

port = int(sys.argv[1])
account, key = os.environ["AZURITE_ACCOUNTS"].split(":")
now = datetime.datetime.now(datetime.timezone.utc)


def signature(text):
    """Of a request, or of what a signature allows."""
    return base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()


def create_container():
    headers = {"x-ms-date": now.strftime("%a, %d %b %Y %H:%M:%S GMT"), "x-ms-version": VERSION}
    named = "".join(f"{name}:{value}\n" for name, value in headers.items())
    # The other headers that are signed are empty.
    request = "PUT" + "\n" * 12 + named + f"/{account}/{account}/{CONTAINER}\nrestype:container"
    headers |= {"Authorization": f"SharedKey {account}:{signature(request)}", "Content-Length": "0"}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("PUT", f"/{account}/{CONTAINER}?restype=container", headers=headers)
    answer = connection.getresponse()
    if answer.status != 201:
        sys.exit(f"azure.py: {answer.status} {answer.read().decode()}")


def reading():
    """A shared access signature that allows to read and list the blobs of the account."""
    end = (now + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    allowed = {"sp": "rl", "ss": "b", "srt": "sco", "st": "", "se": end, "sip": "", "spr": "https,http",
               "sv": VERSION, "ses": ""}
    sig = signature("\n".join([account, *allowed.values(), ""]))
    return urllib.parse.urlencode({name: value for name, value in allowed.items() if value} | {"sig": sig})


create_container()
endpoint = f"BlobEndpoint=http://127.0.0.1:{port}/{account}"
print(json.dumps({
    "writer": f"AccountName={account};AccountKey={key};{endpoint}",
    "reader": f"{endpoint};SharedAccessSignature={reading()}",
    "wrong": f"AccountName={account};AccountKey={base64.b64encode(b'another key').decode()};{endpoint}",
}))

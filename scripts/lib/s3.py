"""A store like S3 (moto) on PORT of this machine, with the bucket `builds`. It checks signatures, and has a user
who may read and write and one who may read; their keys are in keys.json in the current directory.

    PYTHONPATH=moto python3 s3.py PORT
"""
import json
import os
import sys
import threading

# The requests below are not checked.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "7"

import boto3
from moto.server import ThreadedMotoServer

port = int(sys.argv[1])
server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
server.start()
about = dict(endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
             aws_access_key_id="x", aws_secret_access_key="x")
boto3.client("s3", **about).create_bucket(Bucket="builds")
iam, keys = boto3.client("iam", **about), {}
for user, actions in (("writer", ["s3:*"]), ("reader", ["s3:GetObject", "s3:ListBucket"])):
    iam.create_user(UserName=user)
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17",
         "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
    key = iam.create_access_key(UserName=user)["AccessKey"]
    keys[user] = [key["AccessKeyId"], key["SecretAccessKey"]]
with open("keys.tmp", "w") as out:
    json.dump(keys, out)
os.rename("keys.tmp", "keys.json")
threading.Event().wait()

//! `sccfg remote check` against real back ends.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::service::{Service, certificates, keys, redis_cluster};
use super::{Machine, fails};
use crate::server::free_port;

const QUICK: &[&str] = &["--no-outage"];

#[track_caller]
fn works(found: &Value) {
    assert_eq!(found["failure"], Value::Null, "{found:#}");
    assert_eq!(found["works"], true, "{found:#}");
    assert!(found["write_ms"].as_f64().is_some(), "{found:#}");
    assert!(found["read_ms"].as_f64().is_some(), "{found:#}");
}

#[requires(sccache, redis_server)]
#[test]
fn redis_works_and_a_wrong_password_is_reported_as_such() {
    let machine = Machine::new();
    let redis = Service::redis(machine.sandbox.outer(), &["--requirepass", "hunter22"]);
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let secret = machine.write("secret", "hunter22\n");
    machine
        .sccfg(&[
            "remote",
            "add",
            "redis",
            &url,
            "--secret-file",
            &secret,
            "--prefix",
            "/a",
        ])
        .status(0)
        .stdout_has("sccfg remote check");
    works(&machine.check(QUICK));

    let wrong = machine.write("wrong", "hunter23");
    machine
        .sccfg(&["remote", "add", "redis", &url, "--secret-file", &wrong])
        .status(0);
    fails(&machine.check(QUICK), "wrong-credentials");
    let ran = machine.sccfg(&["remote", "check", "--no-outage"]).status(1);
    assert!(
        ran.stderr
            .contains("redis: the password, token or key is wrong"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("hint: store the right one"), "{ran:?}");
    let all = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!all.contains("hunter2"), "{all}");

    redis.stop();
    fails(&machine.check(QUICK), "connection-refused");
}

#[requires(sccache, redis_server, openssl)]
#[test]
fn redis_works_with_tls_and_a_password() {
    let directory = tempfile::tempdir().unwrap();
    certificates(directory.path());
    let port = free_port().to_string();
    let tls = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        "crt",
        "--tls-key-file",
        "key",
        "--tls-ca-cert-file",
        "ca.crt",
        "--tls-auth-clients",
        "no",
        "--requirepass",
        "hunter22",
    ];
    let _redis = Service::redis(directory.path(), &tls);
    let authority = directory.path().join("ca.crt").display().to_string();
    let trusting = Machine::new().variable("SSL_CERT_FILE", &authority);
    let add = |machine: &Machine| {
        let secret = machine.write("secret", "hunter22\n");
        let url = format!("rediss://localhost:{port}");
        machine
            .sccfg(&["remote", "add", "redis", &url, "--secret-file", &secret])
            .status(0);
    };
    add(&trusting);
    works(&trusting.check(QUICK));
    let machine = Machine::new();
    add(&machine);
    let found = machine.check(&["--no-outage", "--limit", "2"]);
    fails(&found, "timed-out");
    let hint = found["failure"]["hint"].as_str().unwrap();
    assert!(hint.contains("the certificate is trusted"), "{hint}");
}

#[requires(sccache, redis_server, redis_cli)]
#[test]
fn a_cluster_of_redis_works_and_one_node_of_it_does_not() {
    let machine = Machine::new();
    let [a, b] = redis_cluster(machine.sandbox.outer(), "hunter22");
    let secret = machine.write("secret", "hunter22\n");
    let add = |url: &str| {
        machine
            .sccfg(&["remote", "add", "redis", url, "--secret-file", &secret])
            .status(0);
    };
    let [a, b] = [a, b].map(|node| (format!("redis://127.0.0.1:{}", node.port), node));
    // The key of sccache's check is in the second half.
    add(&a.0);
    fails(&machine.check(QUICK), "cluster");
    add(&format!("{},{}", a.0, b.0));
    works(&machine.check(QUICK));
    add(&b.0);
    let text = std::fs::read_to_string(machine.config()).unwrap();
    assert!(!text.contains("cluster_endpoints"), "{text}");
}

#[requires(sccache, redis_server)]
#[test]
fn a_redis_user_who_may_only_read_is_read_only() {
    let machine = Machine::new();
    let directory = machine.sandbox.outer();
    fs::write(
        directory.join("users.acl"),
        "user default off\nuser reader on >hunter22 ~* +@read +@connection -@write\n",
    )
    .unwrap();
    let acl = directory.join("users.acl").display().to_string();
    let redis = Service::redis(directory, &["--aclfile", &acl]);
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let secret = machine.write("secret", "SCCACHE_REDIS_PASSWORD=\"hunter22\"\n");
    let add = [
        "remote",
        "add",
        "redis",
        &url,
        "--username",
        "reader",
        "--secret-file",
        &secret,
    ];
    machine.sccfg(&add).status(0);
    fails(&machine.check(QUICK), "read-only");
    machine
        .sccfg(&[&add[..], &["--read-only"]].concat())
        .status(0);
    let found = machine.check(QUICK);
    assert_eq!(found["works"], true, "{found:#}");
    assert_eq!(
        (&found["read_only"], &found["write_ms"]),
        (&true.into(), &Value::Null)
    );
}

/// A machine that uses the bucket of a store like S3 with the keys of `user`.
fn with_keys_of(user: &str, directory: &Path) -> Machine {
    let [key, secret] = keys(directory, user);
    Machine::new()
        .variable("AWS_ACCESS_KEY_ID", &key)
        .variable("AWS_SECRET_ACCESS_KEY", &secret)
}

#[requires(sccache, moto)]
#[test]
fn s3_works_and_each_obstacle_has_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let store = Service::s3(directory.path());
    let endpoint = format!("http://127.0.0.1:{}", store.port);
    let add = |machine: &Machine, bucket: &str, endpoint: &str| {
        machine
            .sccfg(&[
                "remote",
                "add",
                "s3",
                bucket,
                "--endpoint",
                endpoint,
                "--region",
                "us-east-1",
            ])
            .status(0);
    };
    let writer = with_keys_of("writer", directory.path());
    add(&writer, "builds", &endpoint);
    works(&writer.check(QUICK));
    let listed = writer.sccfg(&["remote", "list"]).status(0);
    assert!(
        listed.stdout.contains("storage  disk, then s3"),
        "{listed:?}"
    );
    assert!(
        listed.stdout.contains(&format!("{endpoint} builds")),
        "{listed:?}"
    );

    let reader = with_keys_of("reader", directory.path());
    add(&reader, "builds", &endpoint);
    fails(&reader.check(QUICK), "read-only");

    add(&writer, "elsewhere", &endpoint);
    fails(&writer.check(QUICK), "no-such-bucket");

    add(&writer, "builds", &endpoint.replace("http:", "https:"));
    fails(&writer.check(QUICK), "tls");

    let wrong = with_keys_of("writer", directory.path())
        .variable("AWS_SECRET_ACCESS_KEY", "another-secret");
    add(&wrong, "builds", &endpoint);
    fails(&wrong.check(QUICK), "wrong-credentials");

    let without = Machine::new();
    add(&without, "builds", &endpoint);
    fails(&without.check(QUICK), "no-credentials");

    store.stop();
    add(&writer, "builds", &endpoint);
    fails(&writer.check(QUICK), "connection-refused");
    add(&writer, "builds", "http://no-such-host.invalid");
    fails(&writer.check(QUICK), "name-not-found");
}

#[requires(sccache, azurite, node, python3)]
#[test]
fn azure_works_and_each_obstacle_has_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let (store, connections) = Service::azure(directory.path());
    // Both machines have nothing but the connection string.
    let machine_of = |user: &str, container: &str| {
        let machine = Machine::new();
        let secret = machine.write("secret", connections[user].as_str().unwrap());
        let added = machine
            .sccfg(&[
                "remote",
                "add",
                "azure",
                container,
                "--secret-file",
                &secret,
            ])
            .status(0);
        assert!(!added.stdout.contains("AccountKey"), "{added:?}");
        machine
    };
    let writer = machine_of("writer", "builds");
    works(&writer.check(QUICK));
    let outage = &writer.check(&[])["outage"];
    assert_eq!(outage["build"], "fails", "{outage:#}");

    fails(&machine_of("reader", "builds").check(QUICK), "read-only");
    fails(
        &machine_of("wrong", "builds").check(QUICK),
        "wrong-credentials",
    );
    fails(
        &machine_of("writer", "elsewhere").check(QUICK),
        "no-such-bucket",
    );
    store.stop();
    fails(&writer.check(QUICK), "connection-refused");
}

#[requires(sccache, rclone)]
#[test]
fn webdav_works_and_a_wrong_password_is_reported_as_such() {
    let machine = Machine::new();
    let dav = Service::webdav(machine.sandbox.outer(), "hunter22", &[]);
    let url = format!("http://127.0.0.1:{}", dav.port);
    let secret = machine.write("secret", "hunter22");
    let add = |secret: &str| {
        machine
            .sccfg(&[
                "remote",
                "add",
                "webdav",
                &url,
                "--username",
                "me",
                "--secret-file",
                secret,
            ])
            .status(0);
    };
    add(&secret);
    works(&machine.check(QUICK));
    add(&machine.write("wrong", "hunter23"));
    fails(&machine.check(QUICK), "wrong-credentials");
    dav.stop();
    add(&secret);
    fails(&machine.check(QUICK), "connection-refused");
}

#[requires(sccache, memcached)]
#[test]
fn memcached_works() {
    let machine = Machine::new();
    let memcached = Service::memcached(machine.sandbox.outer());
    let url = format!("tcp://127.0.0.1:{}", memcached.port);
    machine
        .sccfg(&["remote", "add", "memcached", &url])
        .status(0);
    works(&machine.check(QUICK));
    memcached.stop();
    fails(&machine.check(QUICK), "connection-refused");
}

#[requires(sccache, rclone)]
#[test]
fn variables_are_checked_as_the_file_is() {
    let machine = Machine::new();
    let dav = Service::webdav(machine.sandbox.outer(), "hunter22", &[]);
    let url = format!("http://127.0.0.1:{}", dav.port);
    let secret = machine.write("it's secret", "hunter22");
    let printed = machine
        .sccfg(&[
            "remote",
            "add",
            "webdav",
            &url,
            "--username",
            "me",
            "--secret-file",
            &secret,
            "--env",
        ])
        .status(0);
    assert!(
        !printed.stdout.contains("hunter22") && !machine.config().exists(),
        "{printed:?}"
    );
    // What a shell makes of the lines.
    let script = format!("{}env", printed.stdout);
    let output = machine
        .sandbox
        .command("sh")
        .args(["-c", &script])
        .output()
        .unwrap();
    let set = String::from_utf8(output.stdout).unwrap();
    let mut shell = machine;
    for line in set.lines().filter(|line| line.starts_with("SCCACHE_")) {
        let (name, value) = line.split_once('=').unwrap();
        shell = shell.variable(name, value);
    }
    works(&shell.check(QUICK));
}

#[requires(sccache)]
#[test]
fn what_a_build_does_while_the_back_end_is_down_is_tried() {
    let machine = Machine::new();
    let url = format!("http://127.0.0.1:{}", free_port());
    machine
        .sccfg(&["remote", "add", "webdav", &url, "--no-disk"])
        .status(0);
    let found = machine.check(&[]);
    fails(&found, "connection-refused");
    // 0.10 and 0.16 start no server then.
    assert_eq!(found["outage"]["build"], "fails", "{found:#}");
}

//! The action, executed by bash and node as a runner does it, with real back ends.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use rstest::rstest;

use super::runner::{Runner, scripts};
use crate::nix::{nix, system};
use crate::remote::is_private;
use crate::remote::service::{Service, keys};
use crate::server::free_port;
use crate::support::Sandbox;

const WORKFLOW: &str = "on: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      \
    - uses: actions/checkout@v4\n      - run: cargo test\n";

/// A repository with a crate, a workflow and this policy, for which `sccfg ci github` ran.
fn repository(policy: &str) -> Sandbox {
    let sandbox = Sandbox::new()
        .file(
            "repo/Cargo.toml",
            "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        )
        .file("repo/src/lib.rs", "pub fn one() -> u32 { 1 }\n")
        .file("repo/.github/workflows/ci.yml", WORKFLOW)
        .file("repo/sccfg.toml", policy);
    sandbox.sccfg(&["-C", "repo", "ci", "github"]).status(0);
    sandbox
}

#[track_caller]
fn row(summary: &str, name: &str) -> String {
    let start = format!("| {name} | ");
    let line = summary.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("no {name} in {summary}"))
        .trim_end_matches(" |")
        .to_owned()
}

#[requires(sccache_with_levels, redis_server, node, python3)]
#[test]
fn a_second_runner_gets_what_the_first_stored() {
    let port = free_port();
    let sandbox = repository(&format!(
        "[remote]\nbackend = \"redis\"\naddress = \"redis://127.0.0.1:{port}\"\n\
         [ci.secrets]\nSCCACHE_REDIS_PASSWORD = \"CACHE_PASSWORD\"\n"
    ));
    let workflow = sandbox.read("repo/.github/workflows/ci.yml");
    let secret = "sccache-redis-password: ${{ secrets.CACHE_PASSWORD }}";
    assert!(workflow.contains(secret), "{workflow}");
    let _redis = Service::redis_at(port, sandbox.outer(), &["--requirepass", "it's $HOME"]);
    let inputs = [
        ("backend", "remote"),
        ("sccache-redis-password", "it's $HOME"),
    ];

    let mut first = Runner::new(&sandbox, "first", &inputs);
    first.act();
    first.build();
    let log = first.log.clone();
    let summary = first.end();
    assert_eq!(
        (row(&summary, "hits"), row(&summary, "misses")),
        ("0".into(), "1".into()),
        "{log}"
    );
    assert_eq!(row(&summary, "could not be stored"), "0");

    let mut second = Runner::new(&sandbox, "second", &inputs);
    second.act();
    second.build();
    let summary = second.end();
    assert_eq!(row(&summary, "hits"), "1", "{summary}");
    assert_eq!(row(&summary, "hit rate"), "100.0 %");

    let mut fork = Runner::new(&sandbox, "fork", &inputs).of_a_fork();
    fork.act();
    assert!(
        fork.log.contains("::notice title=sccfg::no credentials"),
        "{}",
        fork.log
    );
    fork.build();
    let summary = fork.end();
    assert_eq!(
        (row(&summary, "hits"), row(&summary, "misses")),
        ("0".into(), "1".into())
    );
    assert_eq!(row(&summary, "stored"), "nothing: read-only");
    assert!(row(&summary, "cache").contains("Local disk"), "{summary}");
}

#[requires(sccache_with_levels, moto, node, python3)]
#[test]
fn a_dead_back_end_does_not_fail_the_job() {
    let store = tempfile::tempdir().unwrap();
    let s3 = Service::s3(store.path());
    let policy = format!(
        "[remote]\nbackend = \"s3\"\naddress = \"builds\"\nregion = \"us-east-1\"\n\
         endpoint = \"http://127.0.0.1:{}\"\nprefix = \"app\"\n",
        s3.port
    );
    let sandbox = repository(&policy);
    let [key, secret] = keys(store.path(), "writer");
    let inputs = [
        ("backend", "remote"),
        ("aws-access-key-id", key.as_str()),
        ("aws-secret-access-key", secret.as_str()),
    ];
    let mut alive = Runner::new(&sandbox, "alive", &inputs);
    alive.act();
    alive.build();
    let summary = alive.end();
    assert_eq!(row(&summary, "stored"), "1", "{summary}");

    s3.stop();
    let mut dead = Runner::new(&sandbox, "dead", &inputs);
    dead.act();
    assert!(
        dead.log
            .contains("::warning title=sccfg::the back end cannot be used"),
        "{}",
        dead.log
    );
    assert_eq!(dead.variable("RUSTC_WRAPPER"), Some(""));
    dead.build();
    let summary = dead.end();
    assert!(summary.contains("sccache was not used"), "{summary}");
}

#[requires(sccache_with_levels, moto, node, python3)]
#[test]
fn a_fork_reads_a_public_bucket_and_stores_nothing() {
    let store = tempfile::tempdir().unwrap();
    let s3 = Service::s3(store.path());
    let sandbox = repository(&public_bucket(&s3));
    let inputs = [
        ("backend", "remote"),
        ("aws-access-key-id", "a"),
        ("aws-secret-access-key", "b"),
    ];
    let mut fork = Runner::new(&sandbox, "fork", &inputs).of_a_fork();
    fork.act();
    assert_eq!(fork.variable("SCCACHE_S3_NO_CREDENTIALS"), Some("true"));
    assert_eq!(fork.variable("SCCACHE_S3_RW_MODE"), Some("READ_ONLY"));
    assert_eq!(fork.variable("AWS_ACCESS_KEY_ID"), None);
    fork.end();
}

/// A policy with the bucket of `s3`, which everybody may read.
pub(super) fn public_bucket(s3: &Service) -> String {
    format!(
        "[remote]\nbackend = \"s3\"\naddress = \"builds\"\nregion = \"us-east-1\"\npublic = true\n\
         endpoint = \"http://127.0.0.1:{}\"\n[ci.secrets]\nAWS_ACCESS_KEY_ID = \"A\"\n\
         AWS_SECRET_ACCESS_KEY = \"B\"\n",
        s3.port
    )
}

/// A flake whose dev shell sets sccache as the wrapper, as `sccfg init` does: sccache is not on its `PATH`.
pub(super) fn flake_with_a_shell() -> String {
    format!(
        "{{\n  inputs.nixpkgs.url = \"{}\";\n  outputs = {{ nixpkgs, ... }}:\n    let pkgs = \
             nixpkgs.legacyPackages.{}; in {{\n      devShells.{1}.default = pkgs.mkShell {{\n        \
             packages = [ pkgs.cargo pkgs.rustc ];\n        \
             RUSTC_WRAPPER = \"${{pkgs.sccache}}/bin/sccache\";\n        \
             # The stub of nixpkgs adds the PATH of the host.\n        \
             shellHook = ''PATH=$(printf %s \"$PATH\" | tr : '\\n' | \
             while read -r d; do [ -e \"$d/sccache\" ] || printf %s: \"$d\"; done)'';\n      }};\n    }};\n}}\n",
        nix().nixpkgs(),
        system(),
    )
}

#[requires(sccache_with_levels, redis_server, nix, node, python3)]
#[rstest]
fn a_job_in_a_shell_of_nix_uses_the_sccache_of_the_shell(
    #[values("nix develop", "devenv shell")] enter: &str,
) {
    let nix = nix();
    let port = free_port();
    let sandbox = repository(&format!(
        "[remote]\nbackend = \"redis\"\naddress = \"redis://127.0.0.1:{port}\"\n"
    ));
    sandbox.write("repo/flake.nix", &flake_with_a_shell());
    let redis = Service::redis_at(port, sandbox.outer(), &["--requirepass", "hunter22"]);
    let inputs = [
        ("backend", "remote"),
        ("nix", "true"),
        ("nix-arguments", ".#default --offline"),
        (
            "devenv",
            if enter == "devenv shell" {
                "true"
            } else {
                "false"
            },
        ),
        ("sccache-redis-password", "hunter22"),
    ];
    let run = |name: &str| {
        let mut runner = Runner::new(&sandbox, name, &inputs);
        for (name, value) in nix.variables() {
            runner = runner.with_variable(&name, &value);
        }
        // The shell of `devenv.nix`, here by another name.
        let devenv =
            "#!/bin/sh\n[ \"$1\" = shell ] && shift\nexec nix develop --offline --command \"$@\"\n";
        runner = runner.without_sccache().with_program("devenv", devenv);
        runner.act();
        assert_eq!(runner.variable("RUSTC_WRAPPER"), None, "it is the shell's");
        runner.build_in_nix();
        runner.end()
    };
    assert_eq!(row(&run("first"), "misses"), "1");
    let summary = run("second");
    assert_eq!(
        (row(&summary, "hits"), row(&summary, "misses")),
        ("1".into(), "0".into())
    );
    redis.stop();
    // sccache of the shell then uses the disk of the runner.
    let summary = run("dead");
    assert!(row(&summary, "cache").contains("Local disk"), "{summary}");
}

#[requires(sccache_with_levels, node, python3)]
#[test]
fn a_self_hosted_runner_keeps_its_disk() {
    let sandbox = repository("[ci]\nbackend = \"local\"\n");
    for (hits, misses) in [("0", "1"), ("1", "0")] {
        let mut runner = Runner::new(&sandbox, "own", &[("backend", "local")]);
        runner.act();
        runner.build();
        let _ = fs::remove_file(sandbox.path("own/summary"));
        let summary = runner.end();
        assert_eq!(
            (row(&summary, "hits"), row(&summary, "misses")),
            (hits.into(), misses.into())
        );
    }
}

#[requires(sccache_with_levels, node, python3)]
#[test]
fn a_fork_stores_nothing_on_a_self_hosted_runner() {
    let sandbox = repository("[ci]\nbackend = \"local\"\n");
    for misses in ["1", "1"] {
        let mut fork = Runner::new(&sandbox, "own", &[("backend", "local")]).of_a_fork();
        fork.act();
        fork.build();
        let _ = fs::remove_file(sandbox.path("own/summary"));
        let summary = fork.end();
        assert_eq!(row(&summary, "misses"), misses);
        assert!(!summary.contains("could not be stored"), "{summary}");
    }
}

#[requires(sccache_with_levels, node, python3)]
#[test]
fn the_cache_of_github_gets_the_token_that_only_actions_see() {
    let sandbox = repository("[ci]\nbackend = \"gha\"\n");
    let nowhere = format!("http://127.0.0.1:{}/", free_port());
    let mut runner = Runner::new(&sandbox, "hosted", &[("backend", "gha")]).for_actions_only(&[
        ("ACTIONS_RESULTS_URL", &nowhere),
        ("ACTIONS_RUNTIME_TOKEN", "header.payload.signature"),
    ]);
    runner.act();
    assert_eq!(runner.variable("SCCACHE_GHA_ENABLED"), Some("true"));
    assert_eq!(runner.variable("ACTIONS_RESULTS_URL"), Some(&*nowhere));
    assert_eq!(
        runner.variable("ACTIONS_RUNTIME_TOKEN"),
        Some("header.payload.signature")
    );
    runner.build();
    runner.end();
}

/// Answers one request with `body`; returns the address, and the request when it has come.
fn answer_once(body: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/token?x=1", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).unwrap();
        let length_of_body = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length_of_body}\r\n\r\n{body}"
        )
        .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (address, thread)
}

#[requires(sccache_with_levels, node, python3, curl)]
#[test]
fn a_role_is_assumed_with_the_token_of_the_job() {
    let sandbox = repository(
        "[remote]\nbackend = \"s3\"\naddress = \"builds\"\nregion = \"us-east-1\"\n\
         [ci]\nrole = \"arn:aws:iam::1:role/cache\"\n",
    );
    assert!(
        !sandbox
            .read("repo/.github/workflows/ci.yml")
            .contains("secrets.")
    );
    let (address, request) = answer_once("{\"count\":1,\"value\":\"a.b.c\"}");
    let mut runner = Runner::new(&sandbox, "hosted", &[("backend", "remote")])
        .with_variable("ACTIONS_ID_TOKEN_REQUEST_URL", &address)
        .with_variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "asking");
    runner.select();
    let request = request.join().unwrap();
    assert!(
        request.starts_with("GET /token?x=1&audience=sts.amazonaws.com"),
        "{request}"
    );
    assert!(
        request.contains("Authorization: Bearer asking"),
        "{request}"
    );
    assert_eq!(
        runner.variable("AWS_ROLE_ARN"),
        Some("arn:aws:iam::1:role/cache")
    );
    let file = runner.variable("AWS_WEB_IDENTITY_TOKEN_FILE").unwrap();
    assert_eq!(fs::read_to_string(file).unwrap().trim(), "a.b.c");
    assert!(is_private(Path::new(file)));
}

#[requires(node)]
#[test]
fn with_rust_cache_no_script_runs() {
    let sandbox = repository("[ci]\nbackend = \"rust-cache\"\n");
    let mut runner = Runner::new(&sandbox, "hosted", &[("backend", "rust-cache")]);
    runner.act();
    assert!(
        runner.log.starts_with("uses Swatinem/rust-cache@"),
        "{}",
        runner.log
    );
    assert_eq!(runner.log.lines().count(), 1, "{}", runner.log);
}

#[requires(shellcheck)]
#[test]
fn the_scripts_of_the_action_pass_shellcheck() {
    for policy in [
        "[ci]\nbackend = \"local\"\n",
        "[remote]\nbackend = \"gcs\"\naddress = \"builds\"\n",
        "[remote]\nbackend = \"s3\"\naddress = \"builds\"\nregion = \"x\"\nprefix = \"b's\"\npublic = true\n[ci]\nrole = \"arn:aws:iam::1:role/x\"\n",
        "[remote]\nbackend = \"azure\"\naddress = \"builds\"\n",
    ] {
        let sandbox = repository(policy);
        for script in scripts(&sandbox.path("repo")) {
            sandbox.write("script", &script);
            let output = Command::new("shellcheck")
                .args(["--shell=bash", "--exclude=SC2016"])
                .arg(sandbox.path("script"))
                .output()
                .unwrap();
            let found = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{policy}\n{found}\n{script}");
        }
    }
}
